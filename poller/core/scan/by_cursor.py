"""Scan rules for cursors and next URLs: follow the API's own word, no further than it can be checked.

Where since can be moved (ascending, verified), it is moved after every page and the cursor
dropped, because a cursor may be an offset in disguise. Cursors are then followed only inside
a tie group that is longer than a page, and such a group is read until two readings in a row,
cut into pages of different sizes, show the same rows: a row that left while the first was under
way, and let another slide past the cursor, would be missing from the second.
"""

from __future__ import annotations

from dataclasses import replace

from poller.core.errors import ScanError
from poller.core.page import Cursor, Ending, Page
from poller.core.paging import Guard
from poller.core.scan.by_offset import anchor_beyond
from poller.core.scan.course import MOST_PASSES, Course, end_of_listing, taken
from poller.core.scan.disguise import counts_rows
from poller.core.scan.evidence import Evidence, group, mark
from poller.core.scan.larger import as_given, larger_page
from poller.core.scan.place import Leg, Place
from poller.core.window import Scan


def go_on(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """The course after ``page``."""
    here = taken(place, page, seen)
    following = _following(place, page)
    if place.leg is Leg.LISTED:
        here = replace(here, rows=here.rows + page.rows)
        return _listed(scan, here, following)
    return _anchored(scan, here, page, following)


def _listed(scan: Scan, place: Place, following: Cursor | None) -> Course:
    """Follow the cursor, and watch whether it counts rows: such a listing is read more than once."""
    if following is None:
        return end_of_listing(scan, place)
    counts = place.counting and counts_rows(following.value, place.rows, place.pages)
    return Course(following_to(replace(place, counting=counts), following))


def _anchored(scan: Scan, place: Place, page: Page, following: Cursor | None) -> Course:
    here = replace(place, reading=_read_in_group(scan, place, page))
    moved = None if following is None else anchor_beyond(scan, here)
    if following is None or moved is not None:
        again = _group_again(scan, here)
        return Course(moved if again is None else again)
    larger = larger_page(here, page) if here.cursor is None and here.passes == 0 else None
    if larger is not None:
        return Course(larger)
    here = as_given(scan, here, page)
    return Course(following_to(here, following))


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
        size=_other_size(scan, place),
        cursor=None,
        last=None,
        last_text=None,
        pages=0,
        passes=place.passes + 1,
        reading=(0, 0),
        previous=place.reading,
        guard=Guard(),
    )


def _other_size(scan: Scan, place: Place) -> int:
    """Pages cut elsewhere: what an order hides at one page boundary, it shows at another."""
    usual = scan.stream.pager.size
    return usual if place.size != usual else max(1, usual - usual // 3)


def following_to(place: Place, cursor: Cursor) -> Place:
    """The page that ``cursor`` names."""
    return replace(place, cursor=cursor.value)


def _following(place: Place, page: Page) -> Cursor | None:
    """The next page's cursor; None at the end. An empty page that names itself has nothing to add."""
    if isinstance(page.onward, Ending):
        return None
    caught_up = page.rows == 0 and page.onward.value == place.cursor
    return None if caught_up else page.onward
