"""Scan rules for row numbers: never trust that row 100 is still row 100.

Two proofs carry a scan by offset. *Overlap*: the next page begins with the last row that was
read; if it does not show it (or a row beside it), rows slid, and the scan steps back until it
does. *Anchor*: where since can be moved (ascending, verified), since becomes the last safe
position and the row number 0, so that nothing before it can slide; offsets count only
inside one tie group. The end is an empty page right behind the last known row.
"""

from __future__ import annotations

from dataclasses import replace

from poller.core.errors import ScanError
from poller.core.model import Order
from poller.core.page import Page
from poller.core.position import canonical
from poller.core.scan.course import MOST_PASSES, Course, end_of_listing, taken, with_cap
from poller.core.scan.evidence import Evidence, group, tail_of
from poller.core.scan.larger import as_given, larger_page
from poller.core.scan.place import Leg, Place, anchored_at
from poller.core.steps import Notice, NoticeKind
from poller.core.window import Scan

MOST_STEPS_BACK = 8
"""Steps back in a row before the listing is begun again."""
MOST_STRAYS = 50
"""Steps back without getting further than before, until the scan gives up and says so."""
ENOUGH_LATE_PAGES = 5
"""Short pages in a row, of nothing but rows changed after the run began, that are taken for the end."""
ENOUGH_BEFORE_NULLS = 25
"""The same in ascending order, where rows without a position may still stand behind them."""
MOST_STALE_PAGES = 50
"""Pages of nothing but known rows in a row before the API is taken to ignore the row number."""


def go_on(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """The course after ``page``."""
    if place.confirming:
        return _confirmed(scan, place, page, seen)
    if place.offset > 0 and not seen.knows and not (place.order is Order.NONE and page.rows > 0):
        return _step_back(place)
    if page.rows == 0:
        return end_of_listing(scan, place)
    if place.offset > 0 and not seen.news:
        return _nothing_new(place, page)
    return _forward(scan, taken(place, page, seen), page, seen)


def _forward(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    here = replace(place, tail=tail_of(seen.marks), backed=0, stale=0, doubted=False)
    if place.offset > place.furthest:
        here = replace(here, furthest=place.offset, strayed=0)
    if place.leg is Leg.LISTED:
        return _listed(scan, here, page, seen)
    if page.rows < place.size and not place.capped:
        # in ascending order an end that comes too early loses nothing: the rest stands after the watermark
        return Course(_behind(replace(here, length=page.rows), page))
    return _advance(scan, here, page)


def _listed(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """On to the next page; short pages in a row of nothing but rows that were changed after the run began
    are the end, or a listing that grows could never be read to it.
    """
    is_short = page.rows < min(place.widest, place.size)
    late = place.late + 1 if seen.only_late and is_short else 0
    if late >= (ENOUGH_BEFORE_NULLS if place.order is Order.ASC else ENOUGH_LATE_PAGES):
        return end_of_listing(scan, place)
    return Course(replace(_overlapping(place, page), late=late))


def _nothing_new(place: Place, page: Page) -> Course:
    """Only rows that are known: the last one alone may be the end; more of them mean that rows slid back."""
    if page.rows <= _overlap(page):
        return Course(_behind(place, page))
    if place.stale >= MOST_STALE_PAGES:
        raise ScanError(
            f"{place.stale} pages in a row brought only known rows: the API ignores the row number",
            hint="check the parameter that holds {offset}, or whether the API wants a page number instead",
        )
    return Course(replace(_overlapping(place, page), stale=place.stale + 1))


def _advance(scan: Scan, place: Place, page: Page) -> Course:
    """Move since to the last safe position; inside a tie group that fills the page, go by offset."""
    moved = anchor_beyond(scan, place)
    if moved is not None:
        return Course(moved)
    larger = larger_page(place, page) if place.offset == 0 else None
    if larger is not None:
        return Course(larger)
    place = as_given(scan, place, page)
    if scan.stream.ties == "unstable":
        raise _unprovable(place, page)
    return Course(_overlapping(place, page))


def _unprovable(place: Place, page: Page) -> ScanError:
    at = "" if place.last is None else f" {canonical(place.last)}"
    return ScanError(
        f"more records share the position{at} than the API sends in one page ({page.rows}), and their "
        "order changes between requests: nothing can prove that all of them were read",
        hint='sort by a unique key (order = "key"), or look for a parameter that allows larger pages',
    )


def _confirmed(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """What lies behind the last known row: nothing proves the end; anything is reached again, overlapping."""
    if page.rows == 0 or not (page.records or seen.news):
        return end_of_listing(scan, place)
    more, notices = with_cap(replace(place, confirming=False))
    if place.widest == 1 or place.doubted:
        return replace(_forward(scan, taken(more, page, seen), page, seen), notices=notices)
    moved = anchor_beyond(scan, more) if place.leg is Leg.ANCHORED else None
    if moved is None and place.leg is Leg.ANCHORED and scan.stream.ties == "unstable":
        return Course(_in_one_page(place, page), notices=notices)
    once_more = replace(more, offset=place.offset - 1, doubted=True)
    return Course(once_more if moved is None else moved, notices=notices)


def _in_one_page(place: Place, page: Page) -> Place:
    """The tie group from its beginning: in an unstable order only a page that holds all of it counts."""
    if place.passes >= MOST_PASSES:
        raise _unprovable(place, page)
    return replace(place, offset=0, passes=place.passes + 1, confirming=False, tail=())


def anchor_beyond(scan: Scan, place: Place) -> Place | None:
    """The first page from the tie group of the last safe row; None when since stands there already."""
    if place.last is None:
        return None
    reached = group(scan, place.last)
    if place.since is not None and reached <= group(scan, place.since):
        return None
    return anchored_at(place, scan, reached, place.last_text)


def _overlapping(place: Place, page: Page) -> Place:
    """The next page, beginning with the last row of this one (one row alone cannot be overlapped)."""
    if page.rows <= _overlap(page):
        return _behind(place, page)
    return replace(place, offset=place.offset + page.rows - _overlap(page))


def _overlap(page: Page) -> int:
    """Rows to read again: the last record that can be known again, and the rejects behind it."""
    return 1 + page.trailing


def _behind(place: Place, page: Page) -> Place:
    return replace(place, offset=place.offset + page.rows, confirming=True, backed=0)


def _step_back(place: Place) -> Course:
    """No known row on the page: rows slid towards the front. Go back until one shows again."""
    if place.strayed >= MOST_STRAYS:
        raise ScanError(
            f"{place.strayed} steps back without getting beyond row {place.furthest}: rows move, or replicas "
            "disagree, faster than pages can be read",
            hint='ask the API for an order in which rows do not move (order = "key"), or for larger pages',
        )
    far = place.backed >= MOST_STEPS_BACK
    offset = 0 if far else max(0, place.offset - max(place.widest, 1))
    text = f"no known row at offset {place.offset}: rows moved during the scan; back to {offset}"
    notice = Notice(NoticeKind.STEPPED_BACK, text)
    return Course(
        replace(place, offset=offset, backed=place.backed + 1, strayed=place.strayed + 1), notices=(notice,)
    )
