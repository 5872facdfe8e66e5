"""After a page: where to go on, whether the listing ends here, and what was noticed on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from poller.core.errors import FetchError, ScanError
from poller.core.model import Order
from poller.core.page import Page
from poller.core.paging import Steering
from poller.core.position import SECOND, Position, canonical
from poller.core.scan import by_cursor, by_offset, by_position, by_token
from poller.core.scan.course import Course, front_anchored, is_unproved_first_load
from poller.core.scan.evidence import Evidence, examine, group
from poller.core.scan.larger import refused
from poller.core.scan.place import Leg, Numbering, Place, Sight, anchored_at, can_anchor, first_place, front
from poller.core.scan.smaller import beside, divided, grown
from poller.core.steps import Notice, NoticeKind
from poller.core.window import Scan

MOST_RESTARTS = 3

STEERED: dict[Steering, Callable[[Scan, Place, Page, Evidence], Course]] = {
    Steering.OFFSET: by_offset.go_on,
    Steering.CURSOR: by_cursor.go_on,
    Steering.POSITION: by_position.go_on,
    Steering.PAGE: by_cursor.go_on,
    Steering.SINGLE: by_cursor.go_on,
}


@dataclass(frozen=True, slots=True)
class Turn:
    """``course``: what comes next; ``seen``: what the page proved; ``notices``: what to write down."""

    course: Course
    seen: Evidence
    notices: tuple[Notice, ...] = ()


def take(scan: Scan, place: Place, page: Page, horizon: Position | None) -> Turn:
    """The next move of a scan, after ``page`` was read at ``place``.

    ``horizon`` is the server's clock at the run's first page; None when it has not been seen.

    Raises ScanError when the pages go in circles or the scan cannot be proved complete.
    """
    seen = examine(scan, place, page, horizon)
    guarded = _guard(scan, place, page)
    if not seen.ordered:
        return _read_as_unordered(scan, guarded, seen)
    notices: list[Notice] = []
    if seen.before_since and place.leg is Leg.ANCHORED:
        notices.append(_since_ignored(scan, place))
        guarded = replace(guarded, leg=Leg.LISTED)
    if place.sight is Sight.BEHIND:
        return Turn(beside(guarded, page, seen), seen)
    guarded = replace(guarded, sight=None, spoilt=0)
    course = _rules(scan)(scan, _widened(guarded, page), page, seen)
    if _answered(place, course, seen, horizon):
        course = replace(course, onto=None)
    elif course.onto is not None:
        course = replace(course, onto=grown(scan, course.onto))
    return Turn(course, seen, (*notices, *course.notices))


def _rules(scan: Scan) -> Callable[[Scan, Place, Page, Evidence], Course]:
    steering = scan.stream.pager.steering
    return by_token.go_on if scan.opaque and steering is Steering.POSITION else STEERED[steering]


def after_expiry(scan: Scan, place: Place, reason: str) -> Turn:
    """The cursor died: go on from the safe position, else read the window again; the token died:
    read everything. Raises ScanError when that happened too often without getting any further.
    """
    if scan.opaque and place.cursor is None:
        return _without_token(scan, place, reason)
    if place.leg is Leg.LISTED and is_unproved_first_load(scan, place):
        return _expired(
            reason,
            front_anchored(place),
            "begins again, moving since (records without a "
            "position may be missing: nothing but this listing shows them)",
        )
    safe = place.last if place.order is Order.ASC and can_anchor(scan) else None
    further = safe is not None and (place.since is None or group(scan, safe) > place.since)
    restarts = 0 if further else place.restarts + 1
    if restarts > MOST_RESTARTS:
        raise ScanError(
            f"the cursor expired {restarts} times before the scan got any further ({reason})",
            hint='larger pages, or order = "asc" with {since} in the request, outlive short-lived cursors',
        )
    if safe is not None:
        onto = replace(anchored_at(place, scan, group(scan, safe), place.last_text), restarts=restarts)
        return _expired(reason, onto, f"goes on from {canonical(safe)}")
    onto = replace(front(scan, place), order=place.order, restarts=restarts)
    if place.order is Order.NONE:  # an order that was found out is not trusted to move since either
        onto = replace(onto, leg=Leg.LISTED)
    return _expired(reason, onto, "reads the window again")


def _without_token(scan: Scan, place: Place, reason: str) -> Turn:
    restarts = place.restarts + 1
    if restarts > MOST_RESTARTS:
        raise ScanError(
            f"the API refused its own tokens {restarts} times in one scan ({reason})",
            hint="check since.token and since.expired: is this how the API says that a token is too old?",
        )
    onto = replace(first_place(scan), since_text=None, whole=True, order=place.order, restarts=restarts)
    text = f"the API does not know the token any more ({reason}); everything is read again"
    return Turn(Course(onto), _NOTHING, (Notice(NoticeKind.TOKEN_EXPIRED, text),))


def _expired(reason: str, onto: Place, how: str) -> Turn:
    notice = Notice(NoticeKind.CURSOR_EXPIRED, f"the cursor was refused ({reason}); the scan {how}")
    return Turn(Course(onto), _NOTHING, (notice,))


def after_refusal(scan: Scan, place: Place) -> Turn:
    """The API declined a larger page: ask again for what it does offer."""
    return Turn(Course(refused(scan, place)), _NOTHING)


def after_unreadable(scan: Scan, place: Place, error: FetchError) -> Turn:
    """The answer cannot be cut into records: ask for less. Raises ``error`` where that leads nowhere."""
    return Turn(divided(scan, place, error), _NOTHING)


_NOTHING = Evidence(
    ordered=True,
    before_since=False,
    last=None,
    highest=None,
    marks=(),
    knows=False,
    news=False,
    only_late=False,
)


def _guard(scan: Scan, place: Place, page: Page) -> Place:
    """Row numbers go back on purpose and are watched by their own rule; cursors must not repeat."""
    if scan.stream.pager.steering is Steering.OFFSET:
        return place
    numbered = scan.stream.pager.steering is Steering.PAGE
    if place.numbering is not Numbering.FORWARD:  # the same page once more, on purpose
        return place
    name = place.offset if numbered and page.rows == 0 else place.cursor
    guard = place.guard.after(f"{place.since}|{place.since_text}|{name!r}|{place.size}|{page.digest}")
    if guard is None and numbered:
        raise ScanError(
            f"page number {place.offset + 1} brought the same {page.rows} rows as a page before it",
            hint="check where {page} stands; if the API repeats its last page, name page.pages or page.total",
        )
    if guard is None:
        raise ScanError(
            f"the pages go in circles: cursor {place.cursor!r} brought the same {page.rows} rows again",
            hint="check page.next: does it name the next page, or the page itself?",
        )
    return replace(place, guard=guard)


def _answered(place: Place, course: Course, seen: Evidence, horizon: Position | None) -> bool:
    """Whether an ascending scan has passed its horizon: what changed later is the next poll's, so that
    a scan ends however fast rows are written.
    """
    onto, last = course.onto, None if seen.last is None else seen.last.position
    if onto is None or last is None or horizon is None or place.leg is not Leg.ANCHORED:
        return False
    moved = onto.leg is Leg.ANCHORED and onto.since is not None and onto.since != place.since
    return moved and not onto.confirming and last > horizon + SECOND


def _widened(place: Place, page: Page) -> Place:
    return replace(place, widest=max(place.widest, page.rows))


def _read_as_unordered(scan: Scan, place: Place, seen: Evidence) -> Turn:
    text = f"the request asks for {place.order} order, and the records are not in it"
    if scan.stream.pager.steering is Steering.POSITION:
        raise ScanError(
            f"{text}; a keyset pager has no other way",
            hint="ask the API to sort ascending by updated_at, or page by offset or cursor",
        )
    onto = replace(front(scan, place), leg=Leg.LISTED, order=Order.NONE)
    notice = Notice(NoticeKind.ORDER_VIOLATED, f"{text}; the window is read again without trusting any order")
    return Turn(Course(onto), seen, (notice,))


def _since_ignored(scan: Scan, place: Place) -> Notice:
    if scan.stream.pager.steering is Steering.POSITION:
        raise ScanError(
            "the API answers with records from before since; a keyset pager has no other way",
            hint="check the since parameter, or set since.granularity to what the filter truncates to",
        )
    asked = scan.asked(place)
    since = "" if asked is None else f" {canonical(asked)}"
    return Notice(
        NoticeKind.SINCE_IGNORED,
        f"asked for records since{since}, the API began earlier: it ignores since, or reads it more "
        "coarsely than since.granularity says; every page is read",
    )
