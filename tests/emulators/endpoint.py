"""What an emulated endpoint promises and how it breaks its promises: every choice as a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tests.emulators.stamps import Stamp

Paging = Literal["offset", "keyset_cursor", "offset_cursor", "after_key", "next_url", "keyset", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the request's parameters and the answer's fields are called.

    Answer fields and the parameters of a POST body may be dotted paths (``meta.next``,
    ``filter.0.value``). ``records`` "" makes the body itself the list.
    """

    since: str = "since"
    until: str = "until"
    size: str = "limit"
    offset: str = "offset"
    cursor: str = "cursor"
    records: str = "rows"
    next: str = "next"
    more: str = "has_more"
    total: str = "total"
    key: str = "id"
    position: str = "updated_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One listing.

    ``paging``: ``offset`` · ``keyset_cursor`` (opaque, names the last row) · ``offset_cursor``
    (opaque, an offset in disguise: it slides) · ``after_key`` (the last key, with ``has_more``) ·
    ``next_url`` · ``keyset`` (since alone moves) · ``none`` (all at once).

    ``sort``: by position ``asc`` or ``desc``, by ``key``, in the order of ``insertion``, or
    ``shuffled`` on each request. ``ties``: what decides among equal positions.

    ``compare``: the filter is ``closed`` (>=), ``open`` (>), compares whole seconds with >=
    or >, or is ``ignored``. ``undated``: rows with a null position are dropped by the filter
    or always kept. ``wrapped``: since comes as ``>=2024…``.

    ``cap``: most rows in a page, whatever was asked. ``lengths``: ``random`` pages hold 1 to
    that many. ``empty_every``: each n-th page is empty and has a next cursor. ``last_page``:
    what the end looks like: no cursor; a cursor to an empty page; or for ever its own cursor.

    ``cursor_life``: requests until a cursor is refused with ``expired_status``. ``lag``:
    seconds by which the replica that answers is behind.
    """

    path: str = "/rows"
    method: Literal["GET", "POST"] = "GET"
    names: Names = field(default_factory=Names)
    stamp: Stamp = field(default_factory=Stamp)

    paging: Paging = "offset"
    next_form: Literal["absolute", "relative"] = "absolute"
    steps: Literal["by_row", "by_offset"] = "by_row"
    """What a ``next_url`` hides: the last row, or an offset."""
    default_size: int = 100
    cap: int = 1_000_000
    lengths: Literal["full", "random"] = "full"
    empty_every: int | None = None
    last_page: Literal["no_cursor", "to_empty", "itself"] = "no_cursor"
    cursor_life: int | None = None
    expired_status: int = 410
    total: Literal["absent", "right", "wrong"] = "absent"

    sort: Literal["asc", "desc", "key", "insertion", "shuffled"] = "asc"
    ties: Literal["id", "insertion", "shuffled"] = "id"
    nulls: Literal["first", "last"] = "last"

    compare: Literal["closed", "open", "closed_seconds", "open_seconds", "ignored"] = "closed"
    undated: Literal["dropped", "kept"] = "dropped"
    wrapped: str = ""
    lag: float = 0.0
