"""Scan rules for page numbers: which page is next, and how rows that slid between two pages are caught.

Page numbers cannot overlap by a row. Where since can be moved, they count only inside one tie group
(:mod:`poller.core.scan.by_cursor`). Elsewhere each page is read once more after the page behind it
(the last one after the one in front of it): a row that slid over the boundary between the two readings
stands on it now. Rows slide back only when others come in front of them, which shows at the very
front: when another row stands there at the end, or when there is no order at all, the whole listing
is read again, cut into pages of another size, until a reading brings nothing new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from poller.core.model import Order
from poller.core.page import Page
from poller.core.scan.course import Course, end_of_listing, until_readings_agree
from poller.core.scan.evidence import Evidence
from poller.core.scan.place import Numbering, Place
from poller.core.window import Scan


def listed(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """The course after a page of a listing that is read from front to back; ``place`` counts its rows."""
    return _AFTER[place.numbering](scan, place, page, seen)


def following(place: Place, page: Page) -> Place | None:
    """The page with the next number; None behind the last. ``place`` counts the rows of ``page``."""
    return None if _is_last(place, page) else replace(place, offset=place.offset + 1)


def _forward(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    last = following(place, page) is None
    here = replace(place, front=_first(seen)) if place.offset == 0 else place
    if place.offset == 0 or place.order is Order.NONE:
        return end_of_listing(scan, here) if last else Course(following(here, page))
    again = replace(here, offset=here.offset - 1, furthest=here.offset, ended=last)
    return Course(replace(again, numbering=Numbering.AGAIN))


def _again(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """The page in front was read once more; its rows are counted already."""
    del scan, seen
    rows = place.rows - page.rows
    if place.ended:
        return Course(replace(place, offset=place.furthest, rows=rows, numbering=Numbering.LAST))
    onto = replace(place, offset=place.furthest + 1, rows=rows, numbering=Numbering.FORWARD)
    return Course(onto)


def _last(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """The last page was read once more."""
    del page, seen
    if place.order is Order.ASC:  # what comes in stands behind everything, and slides nothing back
        return end_of_listing(scan, place)
    return Course(replace(place, offset=0, numbering=Numbering.FRONT))


def _front(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """The first page was read once more, at the end of everything."""
    del page
    return end_of_listing(scan, place) if _first(seen) == place.front else until_readings_agree(scan, place)


_AFTER: dict[Numbering, Callable[[Scan, Place, Page, Evidence], Course]] = {
    Numbering.FORWARD: _forward,
    Numbering.AGAIN: _again,
    Numbering.LAST: _last,
    Numbering.FRONT: _front,
}


def _first(seen: Evidence) -> str | None:
    """The mark of the page's first row; None of an empty page."""
    return seen.marks[0] if seen.marks else None


def _is_last(place: Place, page: Page) -> bool:
    """The API's count of pages decides, else its count of rows, else an empty page."""
    if page.last_page is not None:
        return place.offset + 1 >= page.last_page
    return page.rows == 0 or (page.total is not None and place.rows >= page.total)
