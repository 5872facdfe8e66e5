"""Scan rules for APIs that can only be moved by since: the page must hold the whole tie group.

Since becomes the last safe position, whose records are read again. When a page brings nothing
beyond that tie group, one more request asks strictly behind it: nothing there is the end.
Anything there, or a page as full as this server makes them, means that the group may not have
fitted, and a larger page is tried.
"""

from __future__ import annotations

from dataclasses import replace

from poller.core.errors import ScanError
from poller.core.page import Page
from poller.core.paging import Guard
from poller.core.position import canonical
from poller.core.scan.by_offset import anchor_beyond
from poller.core.scan.course import Course, taken, with_cap
from poller.core.scan.evidence import Evidence, group, tail_of
from poller.core.scan.larger import larger_page
from poller.core.scan.place import Place, anchored_at
from poller.core.steps import Notice
from poller.core.window import Scan

_EPOCH = 0
SHORTEST_CAP = 3
"""Rows. Shorter pages of equal length come from rows that trickle in, not from a server that cuts."""


def go_on(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """The course after ``page``. Raises ScanError when a tie group fits into no page."""
    if place.confirming:
        return Course(None) if _nothing_safe(page, seen) else _group_again(scan, place)
    here, notices = _measured(taken(place, page, seen), page, seen)
    return replace(_from_here(scan, here, page), notices=notices)


def _measured(place: Place, page: Page, seen: Evidence) -> tuple[Place, tuple[Notice, ...]]:
    """News on this page show that the one before it was cut, at its length."""
    cut, notices = with_cap(place) if seen.news and place.length < place.size else (place, ())
    return replace(cut, length=page.rows, tail=tail_of(seen.marks)), notices


def _from_here(scan: Scan, place: Place, page: Page) -> Course:
    moved = anchor_beyond(scan, place)
    if moved is not None:
        return Course(moved)
    if page.rows == 0:
        return Course(None)
    return _undated(scan, place, page) if place.last is None else _beyond_the_group(scan, place, page)


def _nothing_safe(page: Page, seen: Evidence) -> bool:
    """Whether nothing lies there but rows dated ahead of the clock; those are mirrored, and go nowhere."""
    dated = all(record.position is not None for record in page.records)
    return seen.last is None and dated and not page.rejects


def _undated(scan: Scan, place: Place, page: Page) -> Course:
    """No record on the page has a position to go on from: step over them, once."""
    if place.since is None:
        return Course(anchored_at(place, scan, _EPOCH, None))
    if page.rows >= scan.stream.pager.size:
        raise ScanError(
            f"none of the {page.rows} records on a full page has a position that since could move to",
            hint="check updated_at; a keyset pager cannot pass a page of undated or future records",
        )
    return Course(None)


def _beyond_the_group(scan: Scan, place: Place, page: Page) -> Course:
    if _may_be_cut(scan, place, page):
        return _larger(place, page)
    behind = group(scan, place.last or 0) + scan.unit + scan.rule.step_back
    return Course(replace(place, since=behind, confirming=True))


def _may_be_cut(scan: Scan, place: Place, page: Page) -> bool:
    """Whether the page was as full as this server makes pages: the tie group may go on behind it."""
    if any(r.position is not None and group(scan, r.position) > (place.last or 0) for r in page.records):
        return False  # a row dated ahead of the clock stands behind the whole group
    if place.size > scan.stream.pager.size and page.rows > scan.stream.pager.size:
        return page.rows >= place.size
    if place.short is not None and page.rows == place.short >= SHORTEST_CAP:
        return True  # as long as a page that had more behind it: better a failed poll than a lost row
    return page.rows >= scan.stream.pager.size


def _group_again(scan: Scan, place: Place) -> Course:
    """Something lies behind the tie group: read the group again, with what came in meanwhile, or in a
    larger page.
    """
    last = place.last or 0
    again = replace(place, since=group(scan, last), since_text=place.last_text, confirming=False)
    if place.doubted:
        return _larger(again, None)
    return Course(replace(again, doubted=True, guard=Guard()))


def _larger(place: Place, page: Page | None) -> Course:
    larger = None if page is None else larger_page(place, page)
    if larger is None:
        raise ScanError(
            f"more records share the position {canonical(place.last or 0)} than the API sends in one page "
            f"({place.widest}); a keyset pager cannot pass them",
            hint="raise page.size, page by offset or cursor, or set since.granularity finer if the filter is",
        )
    return Course(larger)
