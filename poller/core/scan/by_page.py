"""Scan rules for page numbers: which page is next, and how rows that slid between two pages are caught.

Page numbers cannot overlap by a row. Where since can be moved, they count only inside one tie group
(:mod:`poller.core.scan.by_cursor`). Elsewhere each page is read once more after the page behind it
(the last one after the one in front of it): a row that slid over the boundary between the two readings
stands on it now. When such a page shows no row that it showed before, more rows slid than it holds, and
the whole listing is read again; where since can be moved, it is then moved. Rows slide back only when
others come in front of them, which shows at the very front: when another row stands there at the end,
or when there is no order at all, the whole listing is read again, cut into pages of another size, until
a reading brings nothing new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from poller.core.model import Order
from poller.core.page import Page
from poller.core.scan.course import Course, end_of_listing, until_readings_agree
from poller.core.scan.evidence import Evidence, tail_of
from poller.core.scan.place import Numbering, Place, can_anchor
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
    here = replace(here, tail=place.ahead, ahead=tail_of(seen.marks))
    if place.offset == 0 or place.order is Order.NONE:
        return end_of_listing(scan, here) if last else Course(following(here, page))
    again = replace(here, offset=here.offset - 1, furthest=here.offset, ended=last)
    return Course(replace(again, numbering=Numbering.AGAIN))


def _again(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """The page in front was read once more; its rows are counted already."""
    here = replace(place, rows=place.rows - page.rows, slid=place.slid or _has_slid(scan, place, seen))
    if place.ended:
        return Course(replace(here, offset=place.furthest, tail=place.ahead, numbering=Numbering.LAST))
    return Course(replace(here, offset=place.furthest + 1, numbering=Numbering.FORWARD))


def _last(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """The last page was read once more."""
    del page
    if place.order is Order.ASC:  # what comes in stands behind everything, and slides nothing back
        moved = can_anchor(scan) and _has_slid(scan, place, seen)
        return end_of_listing(scan, replace(place, slid=place.slid or moved))
    return Course(replace(place, offset=0, numbering=Numbering.FRONT))


def _front(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """The first page was read once more, at the end of everything."""
    del page
    return end_of_listing(scan, place) if _first(seen) == place.front else until_readings_agree(scan, place)


def _has_slid(scan: Scan, place: Place, seen: Evidence) -> bool:
    """Whether rows may have slid over a whole page, because it shows none that it showed before. Where since
    can be moved any change counts: that proof is exact.
    """
    exact = place.order is Order.ASC and can_anchor(scan)
    return tail_of(seen.marks) != place.tail if exact else not seen.knows


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
