"""Which readings of a wall clock a cron expression names, counted month by month and never listed.

A reading is a number of microseconds since 1970-01-01 00:00 *on that wall*; zones and
daylight saving are somebody else's business.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from poller.schedules._fields import Fields, read_fields

_MINUTE = 60_000_000
_DAY = 1440
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Pattern:
    """``times``: minutes of a day, ascending. ``months``: days by month, length and first weekday."""

    fields: Fields
    times: tuple[int, ...]
    months: dict[tuple[int, int, int], tuple[int, ...]]

    def count(self, low: int, high: int) -> int:
        """How many readings lie in ``[low, high)``; 0 when it is empty."""
        if low >= high:
            return 0
        first_day, first_minute = divmod(-(-low // _MINUTE), _DAY)
        last_day, last_minute = divmod(-(-high // _MINUTE), _DAY)
        whole = self._days(first_day, last_day) * len(self.times)
        return whole + self._passed(last_day, last_minute) - self._passed(first_day, first_minute)

    def first(self, low: int, high: int) -> int | None:
        """The first reading in ``[low, high)``; None when there is none."""
        day, minute = divmod(-(-low // _MINUTE), _DAY)
        index = bisect_left(self.times, minute)
        if index == len(self.times) or not self._fires(day):
            found = self._next_day(day + 1, high // _MINUTE // _DAY)
            if found is None:
                return None
            day, index = found, 0
        reading = (day * _DAY + self.times[index]) * _MINUTE
        return reading if reading < high else None

    def last(self, low: int, high: int) -> int | None:
        """The last reading in ``[low, high)``; None when there is none."""
        day, minute = divmod(-(-high // _MINUTE), _DAY)
        index = bisect_left(self.times, minute) - 1
        if index < 0 or not self._fires(day):
            found = self._previous_day(day, low // _MINUTE // _DAY)
            if found is None:
                return None
            day, index = found, len(self.times) - 1
        reading = (day * _DAY + self.times[index]) * _MINUTE
        return reading if reading >= low else None

    def _passed(self, day: int, minute: int) -> int:
        """How many readings of that day lie before that minute."""
        return bisect_left(self.times, minute) if self._fires(day) else 0

    def _fires(self, day: int) -> bool:
        on = date.fromordinal(day + _EPOCH)
        return on.day in self._month(on.year, on.month)

    def _month(self, year: int, month: int) -> tuple[int, ...]:
        weekday, length = monthrange(year, month)
        return self.months.get((month, length, weekday), ())

    def _days(self, low: int, high: int) -> int:
        """How many days in ``[low, high)`` fire, both numbered from 1970-01-01."""
        start, end = date.fromordinal(low + _EPOCH), date.fromordinal(high + _EPOCH)
        months = _months(start.year * 12 + start.month - 1, end.year * 12 + end.month - 1)
        whole = sum(len(self._month(year, month)) for year, month in months)
        before = bisect_left(self._month(start.year, start.month), start.day)
        return whole + bisect_left(self._month(end.year, end.month), end.day) - before

    def _next_day(self, low: int, high: int) -> int | None:
        """The first day in ``[low, high]`` that fires; None when there is none."""
        start, end = date.fromordinal(low + _EPOCH), date.fromordinal(high + _EPOCH)
        for year, month in _months(start.year * 12 + start.month - 1, end.year * 12 + end.month):
            days = self._month(year, month)
            index = bisect_left(days, start.day) if (year, month) == (start.year, start.month) else 0
            if index < len(days):
                return date(year, month, days[index]).toordinal() - _EPOCH
        return None

    def _previous_day(self, high: int, low: int) -> int | None:
        """The last day in ``[low, high)`` that fires; None when there is none."""
        start, end = date.fromordinal(low + _EPOCH), date.fromordinal(high + _EPOCH)
        months = _months(start.year * 12 + start.month - 1, end.year * 12 + end.month)
        for year, month in reversed(list(months)):
            days = self._month(year, month)
            index = bisect_left(days, end.day) if (year, month) == (end.year, end.month) else len(days)
            if index > 0:
                return date(year, month, days[index - 1]).toordinal() - _EPOCH
        return None


def _months(low: int, high: int) -> Iterator[tuple[int, int]]:
    """Year and month for the numbers ``[low, high)``, counted as ``year * 12 + month - 1``."""
    for number in range(low, high):
        yield number // 12, number % 12 + 1


@lru_cache(maxsize=4096)
def pattern(expression: str) -> Pattern:
    """The readings that ``expression`` names. Raises ValueError when it is wrong, or names none at all."""
    fields = read_fields(expression)
    times = tuple(hour * 60 + minute for hour in fields.hours for minute in fields.minutes)
    months = {
        (month, length, weekday): days
        for month in fields.months
        for length in _lengths(month)
        for weekday in range(7)
        if (days := _firing_days(fields, length, weekday))
    }
    if not months:
        raise ValueError(
            f"cron expression {expression!r} never fires: none of its months has such a day of month"
        )
    return Pattern(fields, times, months)


def _lengths(month: int) -> tuple[int, ...]:
    return (28, 29) if month == 2 else (monthrange(2001, month)[1],)  # noqa: PLR2004 (February)


def _firing_days(fields: Fields, length: int, weekday: int) -> tuple[int, ...]:
    """The days that fire in a month of that length whose first day is that weekday (Monday = 0)."""
    days = []
    for day in range(1, length + 1):
        by_date = day in fields.days
        by_weekday = (weekday + day) % 7 in fields.weekdays
        if (by_date or by_weekday) if fields.either_day else (by_date and by_weekday):
            days.append(day)
    return tuple(days)
