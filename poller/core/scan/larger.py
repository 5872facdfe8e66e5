"""When a tie group does not fit into a page: how much larger a page to ask for next.

One page that holds the whole group is the only proof that needs no trust in the order among
equal positions (Datasette, for one, sorts its first page by other rules than the pages behind
its cursor). So the size climbs in steps while the server keeps giving what is asked, and below
what it refused.
"""

from __future__ import annotations

from dataclasses import replace

from poller.core.page import Page
from poller.core.paging import Guard
from poller.core.scan.place import Place
from poller.core.window import Scan

STEP = 8
"""How many times the page size to ask for next, while nothing was refused."""
SMALL_STEP = 2
"""The same, below a size that was refused."""
MOST_ROWS = 10_000
"""Rows that one page may be asked to hold: memory depends on the page size."""


def larger_page(place: Place, page: Page) -> Place | None:
    """The tie group from its beginning, in a larger page; None when no larger one is to be had."""
    if page.rows < place.size or place.size >= MOST_ROWS:
        return None
    size = min(place.size * (STEP if place.ceiling is None else SMALL_STEP), MOST_ROWS)
    if place.ceiling is not None and size >= place.ceiling:
        return None
    return replace(
        place,
        size=size,
        honoured=place.size,
        offset=0,
        cursor=None,
        pages=0,
        rows=0,
        reading=(0, 0),
        guard=Guard(),
    )


def refused(scan: Scan, place: Place) -> Place:
    """The size was refused: ask again in the largest that was not."""
    size = max(place.honoured, scan.stream.pager.size)
    return replace(place, ceiling=place.size, size=size, pages=0, rows=0, guard=Guard())


def as_given(scan: Scan, place: Place, page: Page) -> Place:
    """``place`` with the size that the server really gives, remembered for the rest of the scan."""
    usual = scan.stream.pager.size
    if place.size == usual or page.rows >= place.size:
        return place
    return replace(place, ceiling=place.size, size=max(usual, page.rows))
