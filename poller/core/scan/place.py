"""The place inside an unfinished scan: everything that is needed to go on after a crash."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from poller.core.model import Order
from poller.core.paging import Guard, Steering
from poller.core.position import Position
from poller.core.window import Scan

TAIL = 200
"""How many of the last rows are remembered, to know them again where pages overlap."""


class Leg(StrEnum):
    """Which way of reading the scan is on."""

    ANCHORED = "anchored"
    """Ascending with since in the request: after each page since itself moves to the last safe position."""
    LISTED = "listed"
    """Since stays where it is (or is not sent): the listing is read from front to back."""


class Numbering(StrEnum):
    """What a numbered page is read for."""

    FORWARD = "forward"
    """For its rows."""
    AGAIN = "again"
    """Once more, after the page behind it."""
    LAST = "last"
    """The last one once more, after the page in front of it."""
    FRONT = "front"
    """The first one once more, at the end."""


class Sight(StrEnum):
    """Where a scan stands beside a record that cannot be read."""

    BEHIND = "behind"
    """The row behind it is asked for."""
    LOOKING_BACK = "looking_back"
    """It is asked for once more, to see that it has not moved."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scan stands. Written as JSON into the checkpoint.

    ``order`` is what is believed of the API's order by now. ``since`` is the lower end asked
    for (before it is moved back for an open bound), None asks for everything; ``since_text``
    is set for formats that are sent as received, and for tokens. ``offset`` and ``cursor`` name
    the page inside that; ``cursor`` None is the first page; page numbers are counted in ``offset``.
    """

    leg: Leg
    order: Order
    since: Position | None
    since_text: str | None = None
    offset: int = 0
    cursor: str | int | None = None
    size: int = 100

    tail: tuple[str, ...] = ()
    """Marks of the last rows that were read in order; the next page must show one of them."""
    last: Position | None = None
    """The last safe position: the highest on the pages of this leg that nothing casts doubt on."""
    last_text: str | None = None
    confirming: bool = False
    """The page asks for what lies behind the last row, to prove that nothing does."""
    doubted: bool = False
    """Rows were found behind what looked like the last row; the overlap is looked at once more."""
    backed: int = 0
    """How often in a row the scan stepped back without meeting a known row."""
    stale: int = 0
    """Pages in a row that showed only known rows."""
    furthest: int = 0
    """The highest row number that was read in this leg."""
    strayed: int = 0
    """Steps back since the scan got further than ever."""
    honoured: int = 0
    """The largest page size above the usual one that the server gave in full; 0 before any."""
    ceiling: int | None = None
    """A page size that the server refused or did not fill; None: not met yet."""
    late: int = 0
    """Short pages in a row whose only news were rows changed after the run began."""
    length: int = 0
    """Rows of the page in front of the one that confirms."""
    short: int | None = None
    """Rows of the last short page that turned out to have rows behind it: a cap, or rows that just came."""
    capped: bool = False
    """The server sends fewer rows than asked although there are more: seen twice, at one length."""
    widest: int = 0
    """Rows of the longest page so far."""
    pages: int = 0
    """Pages with rows in the reading at hand: of the listing or, when anchored, of the tie group."""
    rows: int = 0
    """Rows of the listing in the reading at hand (cursors only)."""
    counting: bool = True
    """Each cursor of this listing so far held the number of rows or pages before it."""
    passes: int = 0
    """Readings of this listing, or tie group, that were completed."""
    reading: tuple[int, int] = (0, 0)
    """Rows of the tie group in the reading at hand: how many, and the sum of their marks."""
    previous: tuple[int, int] | None = None
    """The same of the reading before; None before the second."""
    fresh: int = 0
    """New or changed records that the reading at hand has brought."""
    restarts: int = 0
    """How often the scan had to begin anew without having got further."""
    reread: bool = False
    """This leg reads a second time what cursors brought the first time."""
    whole: bool = False
    """The scan began without a token: it lists everything that there is."""
    ended: bool = False
    """The page behind the one that is read once more was the last."""
    numbering: Numbering = Numbering.FORWARD
    front: str | None = None
    """The mark of the listing's first row (page numbers only); None when it had none."""
    ahead: tuple[str, ...] = ()
    """Marks of the last numbered page that was read for its rows; ``tail`` has those of the one before it."""
    slid: bool = False
    """Numbered pages moved further than reading them once more can show."""
    sight: Sight | None = None
    """None: no record that cannot be read is near."""
    spoilt: int = 0
    """Records in a row that stood alone on unreadable pages."""
    unread: int = 0
    """The row number behind the unreadable page that was cut into smaller ones."""
    guard: Guard = field(default_factory=Guard)


def first_place(scan: Scan) -> Place:
    """Where a scan of that window begins."""
    stream = scan.stream
    anchored = can_anchor(scan) and (scan.since is not None or _steers(scan, Steering.POSITION))
    return Place(
        leg=Leg.ANCHORED if anchored else Leg.LISTED,
        order=_believed(scan),
        since=scan.since,
        since_text=scan.since_text,
        size=stream.pager.size,
        whole=scan.opaque and scan.since_text is None,
    )


def front(scan: Scan, place: Place) -> Place:
    """The first page again; a scan that began without a token, or lost it, begins without one."""
    first = first_place(scan)
    return replace(first, since_text=None, whole=True) if place.whole else first


def begins_listing(place: Place) -> bool:
    """Whether this is the first page of a listing of everything, in its first reading."""
    return place.whole and place.cursor is None and place.since_text is None and place.passes == 0


def can_anchor(scan: Scan) -> bool:
    """Whether since can be moved forward page by page: ascending, and the request carries it."""
    return scan.stream.order is Order.ASC and scan.stream.filters_by_since and not scan.opaque


def anchored_at(place: Place, scan: Scan, since: Position, text: str | None) -> Place:
    """The first page from ``since`` on: the safe way to go on, whatever moved meanwhile."""
    return replace(
        place,
        leg=Leg.ANCHORED,
        since=since,
        since_text=text,
        offset=0,
        cursor=None,
        size=scan.stream.pager.size,
        honoured=0,
        confirming=False,
        doubted=False,
        backed=0,
        furthest=0,
        strayed=0,
        pages=0,
        rows=0,
        passes=0,
        reading=(0, 0),
        previous=None,
        fresh=0,
        guard=Guard(),
    )


def _believed(scan: Scan) -> Order:
    """The order to trust: among unstable ties, overlapping pages of a fixed listing prove nothing."""
    stream = scan.stream
    loose = stream.ties == "unstable" and stream.order in (Order.ASC, Order.DESC)
    by_number = _steers(scan, Steering.OFFSET) or _steers(scan, Steering.PAGE)
    if loose and by_number and not can_anchor(scan):
        return Order.NONE
    return stream.order


def _steers(scan: Scan, steering: Steering) -> bool:
    return scan.stream.pager.steering is steering
