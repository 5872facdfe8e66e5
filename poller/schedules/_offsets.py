"""The stretches of time in which a zone's wall clock runs evenly, between one change and the next.

``zoneinfo`` does not name the changes, so they are found by probing each day of a year and
halving the day on which the offset differs; a year is probed once per process. In the IANA
database (checked for all zones, 1970 to 2037) no two changes are closer than six days, and no
hour that is shown twice reaches into the next year (UTC), so that a year can begin afresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from poller.schedules._instants import MICROSECOND, to_micros, to_moment

_DAY = 86_400
_SECOND = 1_000_000
HORIZON = 400
"""Years after which a cron expression is known to never fire: the calendar repeats itself."""


class Stretch(NamedTuple):
    """Instants ``[start, end)`` in microseconds, in which the wall reads ``instant + offset``.

    ``resumes``: the instant at which the wall first shows what it has not shown before; later
    than ``start`` after the clocks were set back. ``jumped``: microseconds of wall time that
    were left out at ``start``; 0 unless the clocks were set forward there.
    """

    start: int
    end: int
    offset: int
    resumes: int
    jumped: int


class _Change(NamedTuple):
    at: int
    before: int
    after: int


def stretches_from(zone: str, instant: int) -> Iterator[Stretch]:
    """The stretch that holds ``instant`` and those after it, for 400 years."""
    year = to_moment(instant).year
    for each in range(year, min(year + HORIZON, MAXYEAR)):
        yield from (stretch for stretch in _stretches(zone, each) if stretch.end > instant)


def stretches_between(zone: str, low: int, high: int) -> Iterator[Stretch]:
    """Those that reach into ``[low, high)``, oldest first."""
    for each in range(to_moment(low).year, to_moment(high).year + 1):
        yield from (
            stretch for stretch in _stretches(zone, each) if stretch.end > low and stretch.start < high
        )


def stretches_until(zone: str, instant: int) -> Iterator[Stretch]:
    """The stretch that holds ``instant`` and those before it, newest first, for 400 years."""
    year = to_moment(instant).year
    for each in range(year, max(year - HORIZON, MINYEAR + 1), -1):
        yield from (stretch for stretch in reversed(_stretches(zone, each)) if stretch.start <= instant)


@lru_cache(maxsize=8192)
def _stretches(zone: str, year: int) -> tuple[Stretch, ...]:
    """The year (UTC) as stretches."""
    start, end = _new_year(year), _new_year(year + 1)
    changes = _changes(zone, year)
    ends = [change.at for change in changes[1:]] + [end]
    offset = _offset(ZoneInfo(zone), start - 1)
    return (
        Stretch(start, changes[0].at if changes else end, offset, start, 0),
        *(
            Stretch(at, until, after, at + max(0, before - after), max(0, after - before))
            for (at, before, after), until in zip(changes, ends, strict=False)
        ),
    )


@lru_cache(maxsize=8192)
def _changes(zone: str, year: int) -> tuple[_Change, ...]:
    """The changes of offset in a year (UTC), oldest first."""
    rules = ZoneInfo(zone)
    first, last = _new_year(year) - _SECOND, _new_year(year + 1) - _SECOND
    found = []
    before = _offset(rules, first)
    for probe in range(first + _DAY * _SECOND, last + 1, _DAY * _SECOND):
        after = _offset(rules, probe)
        if after != before:
            found.append(_Change(_halve(rules, probe - _DAY * _SECOND, probe, before), before, after))
        before = after
    return tuple(found)


def _halve(rules: ZoneInfo, low: int, high: int, before: int) -> int:
    """The first whole second in ``(low, high]`` at which the offset is no longer ``before``."""
    while high - low > _SECOND:
        middle = low + (high - low) // 2 // _SECOND * _SECOND
        if _offset(rules, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(rules: ZoneInfo, instant: int) -> int:
    """Microseconds by which the wall is ahead of UTC at that instant."""
    moment = to_moment(instant)
    local = rules.fromutc(moment.replace(tzinfo=rules))
    return (local.replace(tzinfo=UTC) - moment) // MICROSECOND


def _new_year(year: int) -> int:
    return to_micros(datetime(year, 1, 1, tzinfo=UTC))
