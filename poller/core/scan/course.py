"""The answer of a scan rule: the next place, or the end, or a reading that must be repeated."""

from __future__ import annotations

from dataclasses import dataclass, replace

from poller.core.model import Order
from poller.core.page import Page
from poller.core.paging import Guard, Steering
from poller.core.scan.evidence import Evidence
from poller.core.scan.place import Leg, Numbering, Place, can_anchor, front
from poller.core.steps import Notice, NoticeKind
from poller.core.window import Scan

MOST_PASSES = 5
"""Readings of one listing, or tie group, before the scan gives up and says so."""


@dataclass(frozen=True, slots=True)
class Course:
    """``onto`` None ends the scan. ``again``: go there instead when the reading that ends here
    brought anything new, because then a second one may bring more; None when it is proved.
    """

    onto: Place | None
    again: Place | None = None
    notices: tuple[Notice, ...] = ()


def taken(place: Place, page: Page, seen: Evidence) -> Place:
    """``place`` with what ``page`` showed added to what is known."""
    last, text = place.last, place.last_text
    if seen.last is not None and (last is None or (seen.last.position or 0) >= last):
        last, text = seen.last.position, seen.last.position_text
    return replace(place, last=last, last_text=text, pages=place.pages + (1 if page.rows else 0))


def end_of_listing(scan: Scan, place: Place) -> Course:
    """The listing was read to its end; is that enough?"""
    single = place.pages <= 1
    if place.leg is Leg.ANCHORED or single:
        return Course(None)
    if _slides(scan, place) or _is_counted_once(scan, place):
        return until_readings_agree(scan, place)
    if is_unproved_first_load(scan, place):
        return Course(front_anchored(place))
    return Course(None)


def with_cap(place: Place) -> tuple[Place, tuple[Notice, ...]]:
    """``place`` after rows were found behind a short page, with a notice when that is the server's cap.

    Once may be rows that came in between; the same length twice is a cap.
    """
    if place.capped or place.length == 0:
        return place, ()
    if place.short != place.length:
        return replace(place, short=place.length), ()
    text = f"asked for {place.size} rows a page, the API sends {place.length}"
    return replace(place, capped=True), (Notice(NoticeKind.PAGE_CAPPED, text),)


def _slides(scan: Scan, place: Place) -> bool:
    """Whether rows could slide past this listing unseen, so that one reading of it proves nothing."""
    if scan.stream.pager.steering is not Steering.CURSOR:
        return place.order is Order.NONE or (place.slid and not is_unproved_first_load(scan, place))
    return place.counting and (place.whole or not scan.opaque)


def _is_counted_once(scan: Scan, place: Place) -> bool:
    """Whether a feed of changes was read once behind cursors that count rows: a second reading shows what
    slid past them. Not more: a busy feed never agrees, and its older token tells of what changed since.
    """
    follows = scan.stream.pager.steering is Steering.CURSOR
    return scan.opaque and follows and place.counting and place.passes == 0


def until_readings_agree(scan: Scan, place: Place) -> Course:
    """Rows that may have slid: read twice at least, and until a reading brings nothing new."""
    again = replace(
        front(scan, place),
        leg=Leg.LISTED,
        order=place.order,
        size=_size_of_next_reading(scan, place),
        reread=place.reread,
        passes=place.passes + 1,
        widest=place.widest,
        capped=place.capped,
        short=place.short,
    )
    if place.passes == 0:
        return Course(again)
    return Course(front_anchored(place) if is_unproved_first_load(scan, place) else None, again)


def _size_of_next_reading(scan: Scan, place: Place) -> int:
    """Numbered pages are cut elsewhere in each further reading; overlaps look after the others."""
    numbered = scan.stream.pager.steering is Steering.PAGE and "size" in scan.stream.template.placeholders()
    return other_size(scan, place) if numbered else scan.stream.pager.size


def other_size(scan: Scan, place: Place) -> int:
    """Pages cut elsewhere: what an order hides at one page boundary, it shows at another."""
    usual = scan.stream.pager.size
    return usual if place.size != usual else max(1, usual - usual // 3)


def is_unproved_first_load(scan: Scan, place: Place) -> bool:
    """An ascending first load without since: a cursor may be an offset in disguise, so that rows
    slid past it; unstable ties slide past an overlap, and many rows past a page number. The second
    leg moves since instead.
    """
    first_load = can_anchor(scan) and place.order is Order.ASC and scan.since is None and not place.reread
    loose = scan.stream.pager.steering is Steering.CURSOR or scan.stream.ties == "unstable"
    return first_load and (loose or place.slid)


def front_anchored(place: Place) -> Place:
    """The whole listing once more, moving since instead of trusting a place in it."""
    return replace(
        place,
        leg=Leg.ANCHORED,
        since=None,
        since_text=None,
        offset=0,
        cursor=None,
        rows=0,
        ended=False,
        numbering=Numbering.FORWARD,
        ahead=(),
        slid=False,
        tail=(),
        last=None,
        last_text=None,
        confirming=False,
        furthest=0,
        strayed=0,
        pages=0,
        passes=0,
        reading=(0, 0),
        previous=None,
        reread=True,
        guard=Guard(),
    )
