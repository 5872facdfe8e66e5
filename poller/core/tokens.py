"""Credentials that have to be asked for first: the request for a token, the token, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from poller.core.errors import Category
from poller.core.model import Reveal
from poller.core.page import Response
from poller.core.path import Header, Lookup
from poller.core.position import TimeFormat, from_datetime, parse
from poller.core.retry_after import wait_seconds
from poller.core.verdict import Again, Fatal

EARLY = timedelta(seconds=60)
"""A token is renewed this long before its end, so that no request carries one that ends on the way…"""
SHARE = 10
"""…but never earlier than in the last tenth of its life: short lives are used."""

LONGEST = timedelta(days=3650)
"""A life that is said to be longer is taken for ten years."""

_COARSE = timedelta(seconds=1)
"""What ``Date`` cuts off: a life that is measured from it may be that much shorter."""
_EPOCH_FROM = 1_000_000_000
_MILLISECONDS_FROM = 100_000_000_000


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
    """A token, when it was asked for and when it ends, by our clock.

    ``expires_at`` None: nobody said when; it is used until it is refused.
    """

    value: str
    issued_at: datetime
    expires_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether it can still be used."""
        return self.expires_at is None or now < self.expires_at

    def is_fresh(self, now: datetime) -> bool:
        """Whether it is too early to renew it; False when our clock was set back, and says nothing of it."""
        if now < self.issued_at - EARLY:
            return False
        if self.expires_at is None:
            return True
        return now < self.expires_at - min(EARLY, (self.expires_at - self.issued_at) / SHARE)


@runtime_checkable
class TokenAuth(Protocol):
    """A way to prove who asks that needs a token; one file per kind under ``poller/auth``.

    A kind is pure: it writes the request, reads the answer and shows the token. Asking,
    keeping and renewing are the voice's.
    """

    def asks(self, reveal: Reveal) -> TokenRequest:
        """The request for a new token, the same for the same secrets.

        ``reveal`` reads a secret reference, afresh each time. Raises what ``reveal`` raises.
        """
        ...

    def issued(self, response: Response) -> Token:
        """The token in a successful answer. Raises ValueError that says what is missing, never a value."""
        ...

    def shown(self, token: Token) -> Sequence[tuple[str, str]]:
        """The header fields that carry ``token``."""
        ...

    @property
    def target(self) -> str:
        """Where the token is asked for: an absolute URL, or a path below the source's base URL."""
        ...

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells one holder of tokens from another, without secrets: URL, client, scope, …."""
        ...


def refusal(response: Response) -> Again | Fatal | None:
    """Why an answer of a token endpoint brings no token; None for a success.

    Whatever goes wrong there is no fault of the request that needs the token, so that no
    cursor is ever given up for it: only three categories come out of here.
    """
    status, said = response.status, said_by(response)
    if 200 <= status <= 299:  # noqa: PLR2004 (RFC 9110 §15.3)
        return None
    reason = f"HTTP {status}" + (f": {said}" if said is not None else "")
    if status == 429:  # noqa: PLR2004 (RFC 6585 §4)
        return Again(Category.RATE_LIMITED, reason, wait_seconds(response))
    if status >= 500 or status == 408:  # noqa: PLR2004 (RFC 9110 §15.6, §15.5.9)
        return Again(Category.UNREACHABLE, reason, wait_seconds(response))
    return Fatal(Category.AUTHENTICATION, reason, HINTS.get(status, _REFUSED))


def unusable(response: Response, why: str) -> Again | Fatal:
    """What a successful answer means in which no token was found.

    Something in between that answers HTML passes by; an answer of the API without a token is its
    way to refuse, and to ask again with the same password could lock the account.
    """
    reason = f"HTTP {response.status}: {why}"
    try:
        document_of(response)
    except ValueError:
        return Again(Category.UNREACHABLE, reason, wait_seconds(response))
    said = said_by(response)
    return Fatal(Category.AUTHENTICATION, reason + (f": {said}" if said is not None else ""), _UNUSABLE)


_UNUSABLE = (
    "the credential may be wrong, or the token stands elsewhere: compare auth with the vendor's documentation"
)
_REFUSED = "the credential was refused: check auth, and the secrets that it refers to, with the vendor"
_PLACE = "this is no token endpoint: check token_url (or path) with the vendor's documentation"
HINTS = dict.fromkeys((404, 405, 410, 415), _PLACE)
"""What to do, where the status says more than that the credential was refused."""


def said_by(response: Response) -> str | None:
    """The error of a token answer (RFC 6749 §5.2), or the first words of a text; None for neither."""
    try:
        document = document_of(response)
    except ValueError:
        words = " ".join(response.body[:2000].decode("utf-8", "replace").split())
        return words[:160] if words and not words.startswith("<") else None
    if not isinstance(document, dict):
        return None
    named = (document.get(name) for name in ("error", "error_description", "message"))
    return ": ".join(each[:160] for each in named if isinstance(each, str) and each) or None


def document_of(response: Response) -> Any:  # noqa: ANN401 (any JSON value)
    """The body as JSON. Raises ValueError."""
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        kind = response.header("content-type") or "no content type"
        raise ValueError(f"the answer is not JSON ({kind})") from None


def found(response: Response, where: Lookup) -> Any:  # noqa: ANN401 (any JSON value)
    """What stands at ``where``; None when it is null or absent. Raises ValueError for a body without JSON."""
    return response.header(where.name) if isinstance(where, Header) else where.find(document_of(response))


def token_text(value: object, where: str) -> str:
    """``value`` as a token that a header can carry. Raises ValueError, never with the value."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError(f"the answer has no token at {where}")  # noqa: TRY004 (the answer is wrong)
    if value == "" or not value.isascii() or not value.isprintable() or value.strip() != value:
        raise ValueError(f"what the answer has at {where} cannot stand in a header")
    return value


def ends_after(value: object, response: Response) -> datetime:
    """When a life of ``value`` seconds ends, counted from the moment when the token was asked for.

    The server counts from a later moment, so that this is never too late. Raises ValueError.
    """
    seconds = _number(value)
    if seconds is None:
        raise ValueError("the life of the token is no number of seconds")
    return response.requested_at + _within_reason(seconds)


def ends_at(value: object, response: Response) -> datetime:
    """When a token ends by our clock, as the answer writes it. Raises ValueError.

    A text that is no number is an RFC 3339 timestamp (UTC without an offset). A number from
    10^11 is Unix milliseconds, from 10^9 Unix seconds, and a smaller one seconds from now: no
    token lives thirty years, and none ended before 2001. A moment is the server's: what is
    left until it is taken from the server's own ``Date`` where there is one.
    """
    number = _number(value)
    if number is not None and number < _EPOCH_FROM:
        return ends_after(number, response)
    if number is not None:
        moment = number * 1e9 if number < _MILLISECONDS_FROM else number * 1e6
    else:
        read = parse(value, TimeFormat()) if isinstance(value, str) else None
        if read is None:
            raise ValueError("when the token ends is neither a timestamp nor a number of seconds")
        moment = float(read)
    if response.date is None:
        return response.requested_at + _within_reason((moment - from_datetime(response.requested_at)) / 1e9)
    return response.requested_at + _within_reason((moment - response.date) / 1e9) - _COARSE


def _number(value: object) -> float | None:
    """A finite number, as one or as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def _within_reason(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST.total_seconds()))
