"""Scan rules for page numbers: which page is next, and how rows that slid between two pages are caught.

Page numbers cannot overlap by a row. Where since can be moved, they count only inside one tie group
(:mod:`poller.core.scan.by_cursor`). Elsewhere each page is read once more after the page behind it:
a row that slid over the boundary between the two readings stands on it now, and cannot have gone
further unless a whole page of rows was taken away meanwhile. In no order that proves nothing, and
the listing is read again, cut into pages of another size, until a whole reading brings nothing new.
"""

from __future__ import annotations

from dataclasses import replace

from poller.core.model import Order
from poller.core.page import Page
from poller.core.scan.course import Course, end_of_listing
from poller.core.scan.place import Place
from poller.core.window import Scan


def listed(scan: Scan, place: Place, page: Page) -> Course:
    """The course after a page of a listing that is read from front to back; ``place`` counts its rows."""
    if place.confirming:
        return _confirmed(scan, place, page)
    last = following(place, page) is None
    if place.offset == 0 or place.order is Order.NONE:
        return end_of_listing(scan, place) if last else Course(following(place, page))
    return Course(replace(place, offset=place.offset - 1, furthest=place.offset, confirming=True, ended=last))


def following(place: Place, page: Page) -> Place | None:
    """The page with the next number; None behind the last. ``place`` counts the rows of ``page``."""
    return None if _is_last(place, page) else replace(place, offset=place.offset + 1)


def _confirmed(scan: Scan, place: Place, page: Page) -> Course:
    """The page in front was read once more; its rows are counted already."""
    onto = replace(place, offset=place.furthest + 1, confirming=False, rows=place.rows - page.rows)
    return end_of_listing(scan, onto) if place.ended else Course(onto)


def _is_last(place: Place, page: Page) -> bool:
    """The API's count of pages decides, else its count of rows, else an empty page."""
    if page.last_page is not None:
        return place.offset + 1 >= page.last_page
    return page.rows == 0 or (page.total is not None and place.rows >= page.total)
