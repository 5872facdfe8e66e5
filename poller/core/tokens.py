"""Credentials that have to be asked for first: the request for a token, the token, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from poller.core.model import Reveal
from poller.core.page import Response


@dataclass(frozen=True, slots=True, repr=False)
class TokenRequest:
    """The request for a token. ``target`` is an absolute URL, or a path below the source's base URL.

    It may hold secrets, in headers and body: it is never written down as it is.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A token and when it ends, by our clock; None: it is used until it is refused."""

    value: str
    expires_at: datetime | None = None


class TokenAuth(Protocol):
    """A way to prove who asks that needs a token; one file per kind under ``poller/auth``."""

    def asks(self, reveal: Reveal) -> TokenRequest:
        """The request for a new token; ``reveal`` reads a secret reference, afresh each time."""
        ...

    def issued(self, response: Response) -> Token:
        """The token in a successful answer. Raises ValueError that says what is missing."""
        ...

    def shown(self, token: Token) -> Sequence[tuple[str, str]]:
        """The header fields that carry ``token``."""
        ...

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells one holder of tokens from another, without secrets: URL, client, scope, ...."""
        ...
