"""Scan rules for cursors, next URLs and page numbers: follow the API's word no further than it is checked.

Where since can be moved (ascending, verified), it is moved after every page and the cursor
dropped, because a cursor may be an offset in disguise. Cursors are then followed only inside
a tie group that is longer than a page, and such a group is read until two readings in a row,
cut into pages of different sizes, show the same rows: a row that left while the first was under
way, and let another slide past the cursor, would be missing from the second. A page number is a
cursor that counts rows openly (:mod:`poller.core.scan.by_page` says which page is next).
"""

from __future__ import annotations

from dataclasses import replace

from poller.core.errors import ScanError
from poller.core.page import Ending, Page
from poller.core.paging import Guard, Steering
from poller.core.scan import by_page
from poller.core.scan.by_offset import anchor_beyond
from poller.core.scan.course import MOST_PASSES, Course, end_of_listing, other_size, taken
from poller.core.scan.disguise import counts_rows
from poller.core.scan.evidence import Evidence, group, mark
from poller.core.scan.larger import as_given, larger_page
from poller.core.scan.place import Leg, Place
from poller.core.window import Scan


def go_on(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """The course after ``page``."""
    here = taken(place, page, seen)
    here = replace(here, rows=here.rows + page.rows)
    if place.leg is Leg.ANCHORED:
        return _anchored(scan, here, page)
    if scan.stream.pager.steering is Steering.PAGE:
        return by_page.listed(scan, here, page, seen)
    return _listed(scan, here, page)


def _listed(scan: Scan, place: Place, page: Page) -> Course:
    """Follow the cursor, and watch whether it counts rows: such a listing is read more than once."""
    following = _following(place, page)
    if following is None:
        return end_of_listing(scan, place)
    counts = place.counting and counts_rows(following.cursor or "", place.cursor, place.rows, place.pages)
    return Course(replace(following, counting=counts))


def _anchored(scan: Scan, place: Place, page: Page) -> Course:
    here = replace(place, reading=_read_in_group(scan, place, page))
    moved = anchor_beyond(scan, here) if _next_page(scan, here, page) is not None else None
    if moved is not None or _next_page(scan, here, page) is None:
        again = _group_again(scan, here)
        return Course(moved if again is None else again)
    larger = larger_page(here, page) if here.cursor is None and here.passes == 0 else None
    if larger is not None:
        return Course(larger)
    return Course(_next_page(scan, as_given(scan, here, page), page))


def _read_in_group(scan: Scan, place: Place, page: Page) -> tuple[int, int]:
    inside = [
        mark(place.order, record)
        for record in page.records
        if record.position is None or place.since is None or group(scan, record.position) <= place.since
    ]
    count, total = place.reading
    return count + len(inside), (total + sum(int(each, 16) for each in inside)) % 2**63


def _group_again(scan: Scan, place: Place) -> Place | None:
    """The tie group once more; None when one page showed all of it, or two readings agree."""
    if place.pages <= 1 or place.reading == place.previous:
        return None
    if place.passes >= MOST_PASSES:
        raise ScanError(
            f"{place.passes + 1} readings of the records with one position "
            f"({place.reading[0]} of them) never agreed: they change faster than they can be read",
            hint="look for a parameter that allows larger pages, so that one page holds them all",
        )
    return replace(
        place,
        size=other_size(scan, place),
        offset=0,
        cursor=None,
        rows=0,
        last=None,
        last_text=None,
        pages=0,
        passes=place.passes + 1,
        reading=(0, 0),
        previous=place.reading,
        guard=Guard(),
    )


def _next_page(scan: Scan, place: Place, page: Page) -> Place | None:
    """The page behind this one; None at the end."""
    numbered = scan.stream.pager.steering is Steering.PAGE
    return by_page.following(place, page) if numbered else _following(place, page)


def _following(place: Place, page: Page) -> Place | None:
    """The page that the API's cursor names. An empty page that names itself has nothing to add."""
    if isinstance(page.onward, Ending):
        return None
    caught_up = page.rows == 0 and page.onward.value == place.cursor
    return None if caught_up else replace(place, cursor=page.onward.value)
