"""What a response means: a page, try again, start over, or the end of the run."""

from __future__ import annotations

from dataclasses import dataclass

from poller.core.errors import Category
from poller.core.page import Page
from poller.core.steps import Declined, Expired


@dataclass(frozen=True, slots=True)
class Again:
    """Worth repeating. ``wait`` seconds were asked for by the server; None leaves it to the backoff.

    ``kept`` is the body when it should be kept as a dead page once the attempts are used up.
    """

    category: Category
    reason: str
    wait: float | None = None
    kept: bytes | None = None


@dataclass(frozen=True, slots=True)
class Renew:
    """401: read the credential again or renew it, once, and repeat the request once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fatal:
    """Repeating cannot help; the run fails with this category and says what to do."""

    category: Category
    reason: str
    hint: str | None = None
    kept: bytes | None = None


Verdict = Page | Again | Renew | Fatal | Expired | Declined
