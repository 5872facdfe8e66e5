"""What a run asks the engine to do, and what it hears back. Values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from poller.core.errors import FetchError
from poller.core.page import Page, Record, Reject, Validators
from poller.core.position import Position
from poller.core.request import Request

# --- asked ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fetch:
    """Bring the page that ``request`` names.

    ``mid_scan``: the request carries a cursor, so that a 400, 404 or 410 means "this cursor
    is no longer known" and is answered :class:`Expired`. ``optional``: the request asks for
    something the API may not offer (a larger page); any other 4xx is answered
    :class:`Declined` instead of failing the run. ``forgotten``: statuses by which the API says
    that it does not know the token any more, also answered :class:`Expired`. ``validators``
    went along with the request: a 304 is then an empty page. ``further``: the page is one
    behind the first, named by its number.
    """

    request: Request
    mid_scan: bool = False
    optional: bool = False
    forgotten: frozenset[int] = frozenset()
    validators: Validators | None = None
    further: bool = False


class NoticeKind(StrEnum):
    """What a run noticed and carried on; rows in the run, marks on the stream."""

    ORDER_VIOLATED = "order_violated"
    SINCE_IGNORED = "since_ignored"
    PAGE_CAPPED = "page_capped"
    CURSOR_EXPIRED = "cursor_expired"
    STEPPED_BACK = "stepped_back"
    POSITION_MISSING = "position_missing"
    POSITION_AHEAD = "position_ahead"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 (no password)
    TOKEN_MISSING = "token_missing"  # noqa: S105 (no password)
    ABSENT_KEPT = "absent_kept"
    PAGE_UNREADABLE = "page_unreadable"
    CLOCK_AHEAD = "clock_ahead"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing noticed, in words with its values."""

    kind: NoticeKind
    text: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The durable place inside an unfinished scan. ``state`` is JSON that only the core reads."""

    state: str
    fingerprint: str
    """Of the settings that give the place its meaning; another fingerprint voids the checkpoint."""
    started_at: datetime
    """When the scan began, by our clock."""
    edge: Position | None
    highest: Position | None
    pages: int
    rows: int
    fresh: int = 0
    """What the page in front of this place brought (``Committed.fresh``); filled in by the memory."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The scan is drained: what it proves. Written in the last page's transaction.

    ``watermark`` None leaves the stored one alone (it never goes down here). ``highest`` is
    the highest position seen, clamped to nothing; ``complete_through`` is edge less settle,
    None without an edge. ``fingerprint``: of the settings that give the watermark its meaning.
    ``token``: where to go on from, None leaves the stored one alone. ``validators``: what the
    listing is known again by, None when nothing is to be asked conditionally.
    """

    watermark: Position | None
    watermark_text: str | None
    highest: Position | None
    complete_through: Position | None
    fingerprint: str | None = None
    token: str | None = None
    validators: Validators | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a listing of everything that there is: what it lacks, when it is drained, is gone.

    ``began_at``: what changed later is not judged. ``first``: the listing begins with this page.
    """

    began_at: datetime
    first: bool


@dataclass(frozen=True, slots=True)
class Commit:
    """One page's transaction: everything in it, or nothing.

    ``requested_at``: when the page's request was sent (our clock); decides between versions
    that cannot be compared. ``edge``: the server's clock on this page; positions beyond it
    are stored as *ahead*; None without a clock. ``newest_first``: of two equal versions of
    one key on this page the first is the newer. ``late_below``: a new or changed record with
    a position below it was found by the lookback alone; None when nothing can be late.
    ``fresh_through``: the scan's edge; what changed after it may differ between two readings
    of a listing and is not counted as ``fresh``; None counts everything.
    Exactly one of ``checkpoint`` and ``finish`` is set.
    """

    records: Sequence[Record]
    rejects: Sequence[Reject]
    requested_at: datetime
    edge: Position | None
    request_id: str | None
    checkpoint: Checkpoint | None
    finish: Finish | None
    newest_first: bool = False
    late_below: Position | None = None
    fresh_through: Position | None = None
    notices: tuple[Notice, ...] = ()
    listing: Listing | None = None
    """None: this page belongs to no full listing that proves deletions."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Commit one page while the next is fetched; answered together. A failed commit discards the page."""

    commit: Commit
    fetch: Fetch


Step = Fetch | Commit | Exchange

# --- answered ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expired:
    """The API no longer knows the cursor that the request carried."""

    reason: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The API refused an optional request."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The answer cannot be cut into records, or is out of bounds: ``error`` is what the run fails with
    where no smaller page helps.
    """

    error: FetchError


Fetched = Page | Expired | Declined | Unreadable


@dataclass(frozen=True, slots=True)
class Committed:
    """What one page's transaction did, in records. ``refused`` counts older versions turned away.

    ``fresh``: inserted or updated records whose position is absent or not beyond
    ``Commit.fresh_through``: what a second reading of an unmoved listing would not find again.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    refused: int = 0
    dead: int = 0
    late: int = 0
    fresh: int = 0

    def __add__(self, other: Committed) -> Committed:
        return Committed(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.deleted + other.deleted,
            self.refused + other.refused,
            self.dead + other.dead,
            self.late + other.late,
            self.fresh + other.fresh,
        )


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The answer to an :class:`Exchange`."""

    committed: Committed
    fetched: Fetched


Answer = Fetched | Committed | Exchanged | None
