"""What a page proves about the API's order, about since, and about rows that moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from xxhash import xxh3_64_hexdigest

from poller.core.model import Order
from poller.core.page import Page, Record
from poller.core.position import NUMBERS, SECOND, Position, floor, from_datetime
from poller.core.scan.place import TAIL, Place
from poller.core.window import Scan

POISON = "value"
"""Rejects with this reason are rows of the listing; a record without a key may stand on every page, and
proves nothing where pages overlap unless nothing else does."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A page, looked at once. Safe records have a position that is not ahead of the server's clock."""

    ordered: bool
    """The safe positions follow the believed order, tie group by tie group."""
    before_since: bool
    """A record stands before the since that was sent: the API ignored it, or reads it more coarsely."""
    last: Record | None
    """The last safe record on the page; None without one."""
    highest: Record | None
    """The safe record with the highest position; None without one."""
    marks: tuple[str, ...]
    """One mark per record, in page order, and behind them one per poisoned record."""
    knows: bool
    """The page shows a row that was read before."""
    news: bool
    """The page shows a row that was not among the last that were read."""
    only_late: bool
    """All such rows were changed after the run began, by the server's clock."""


def examine(scan: Scan, place: Place, page: Page, horizon: Position | None) -> Evidence:
    """Everything that the scan rules need to know of ``page``, read at ``place``.

    ``horizon`` is the server's clock at the run's first page; None before that page.
    """
    limit, unit = limit_of(scan, page), scan.unit
    safe = [r for r in page.records if r.position is not None and r.position <= limit]
    groups = [floor(r.position, unit) for r in safe if r.position is not None]
    known = set(place.tail)
    rejected = [_mark_of_bytes(each.payload) for each in page.rejects]
    named = [mark(place.order, record) for record in page.records]
    marks = (*named, *rejected)
    telling = _telling(place, page, named)
    telling += [
        each
        for each, reject in zip(rejected, page.rejects, strict=True)
        if reject.reason == POISON or not page.records
    ]
    asked = scan.asked(place)
    fresh = [record for record, each in zip(page.records, marks, strict=False) if each not in known]
    earliest = None if asked is None else floor(asked, unit)
    return Evidence(
        ordered=_follows(place, groups),
        before_since=earliest is not None and any(each < earliest for each in groups),
        last=safe[-1] if safe else None,
        highest=max(safe, key=lambda record: record.position or 0) if safe else None,
        marks=marks,
        knows=any(each in known for each in telling),
        news=any(each not in known for each in marks),
        only_late=bool(fresh) and known.issuperset(rejected) and _are_late(fresh, horizon, limit),
    )


def _telling(place: Place, page: Page, named: list[str]) -> list[str]:
    """The marks that prove an overlap. In ascending order dated rows come unseen in front of rows without
    a position that stand last: behind a dated row of the page such a row tells nothing.
    """
    if place.order is not Order.ASC:
        return named
    first_dated = next((at for at, record in enumerate(page.records) if record.position is not None), None)
    return [
        each
        for at, each in enumerate(named)
        if first_dated is None or at < first_dated or page.records[at].position is not None
    ]


def _are_late(fresh: list[Record], horizon: Position | None, limit: Position) -> bool:
    if horizon is None:
        return False
    return all(r.position is not None and horizon + SECOND < r.position <= limit for r in fresh)


def limit_of(scan: Scan, page: Page) -> Position:
    """Positions beyond it are dated ahead of the server's clock; numbers know no clock."""
    return clock_of(page) if scan.has_clock else _BEYOND


_BEYOND = 2 * NUMBERS


def clock_of(page: Page) -> Position:
    """The server's clock on this page, to the end of its second; else our own."""
    return (page.date if page.date is not None else from_datetime(page.requested_at)) + 999_999_999


def mark(order: Order, record: Record) -> str:
    """A short name for a row as it was read; ``key`` order knows a row even after it changed."""
    version = "" if order is Order.KEY else record.position_text or ""
    return xxh3_64_hexdigest(f"{record.key}\n{version}".encode())[:12]


def _mark_of_bytes(payload: bytes) -> str:
    """A rejected record is a row like any other where pages overlap; it is known by its bytes."""
    return xxh3_64_hexdigest(payload)[:12]


def tail_of(marks: Iterable[str]) -> tuple[str, ...]:
    """The last of a page's marks, for the next page to show again."""
    return tuple(marks)[-TAIL:]


def group(scan: Scan, position: Position) -> Position:
    """The tie group that ``position`` lies in, by its first instant."""
    return floor(position, scan.unit)


def _follows(place: Place, groups: list[Position]) -> bool:
    if place.order is Order.ASC:
        return all(before <= after for before, after in pairwise(groups))
    if place.order is Order.DESC:
        return all(before >= after for before, after in pairwise(groups))
    return True
