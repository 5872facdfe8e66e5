"""One answer of an API, read: the records, the rejects, and what the API says comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from poller.core.position import Position


@dataclass(frozen=True, slots=True)
class Response:
    """One complete HTTP answer, decoded from its transfer and content encoding.

    ``headers`` have lower-case names. ``requested_at`` is our clock when the request was
    sent (start of this attempt); ``date`` the server's clock from its ``Date`` header
    (RFC 9110 §6.6.1), None when there is none or it cannot be read. ``number`` counts the
    attempts of one request from 1.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    requested_at: datetime
    date: Position | None = None
    request_id: str | None = None
    number: int = 1

    def header(self, name: str) -> str | None:
        """The first field with that name (any case); None when there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)


@dataclass(frozen=True, slots=True)
class Validators:
    """What an answer is known again by (RFC 9110 §8.8). ``request`` names the request that it answered."""

    request: str
    etag: str | None = None
    last_modified: str | None = None


class Record(NamedTuple):
    """A row as the API sent it, with what the merge needs to know of it.

    A NamedTuple because a page holds thousands of them. ``key`` is canonical JSON text;
    ``payload`` the record's own bytes as text; ``fields`` its decoded top level, numbers
    exact (``int``, ``float`` when the double prints as it was sent, else ``Decimal``);
    ``digest`` a hash of the content that ignores member order and white space.
    """

    key: str
    position: Position | None
    position_text: str | None
    payload: str
    fields: dict[str, Any]
    digest: str
    deleted: bool = False


class Reject(NamedTuple):
    """A record that cannot be mirrored, on its way to the dead letters, with its bytes."""

    payload: bytes
    reason: str
    """A short word from a closed list: ``key``, ``position``, ``value``, ``shape``."""
    detail: str
    key: str | None = None


class Ending(Enum):
    """What an answer says of the pages after it, when it names none."""

    LAST = "last"
    """The API says that there are no more."""
    UNSAID = "unsaid"
    """This way of paging has no such signal: only an empty page ends it."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The API's own name for the next page. ``value`` is opaque; ``""`` and ``0`` are cursors."""

    value: str | int


Onward = Cursor | Ending


@dataclass(frozen=True, slots=True)
class Page:
    """A response that is a page: status, content and shape are right, the records are a list.

    ``rows`` counts what the API sent, rejects included. ``digest`` hashes the raw rows (for
    the loop guard). ``total`` is the API's own count, a hint only; None when it gives none.
    """

    records: Sequence[Record]
    rejects: Sequence[Reject]
    onward: Onward
    rows: int
    digest: str
    requested_at: datetime
    date: Position | None = None
    request_id: str | None = None
    total: int | None = None
    last_page: int | None = None
    """The number of the last page, as the API counts pages; None when it does not say."""
    token: str | None = None
    """The token to go on from later; None when the page gives none."""
    validators: Validators | None = None
    """By what an unchanged answer could be known; None when the API gives nothing to know it by."""
    trailing: int = 0
    """Rejects behind the last record: rows that cannot be known again where pages overlap."""
