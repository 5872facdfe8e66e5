"""Slots at a fixed distance from each other, counted from the Unix epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import ClassVar

from poller.core.duration import format_duration, looks_like_duration, parse_duration
from poller.schedules._instants import MICROSECOND, to_micros, to_moment

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Interval:
    """The grid ``1970-01-01T00:00:00Z + spread + n * every``, for every integer ``n``.

    The grid does not depend on when the daemon started, so a restart neither moves nor loses
    a slot; elapsed time rules, so daylight saving does not matter. Raises ValueError unless
    ``every > 0`` and ``0 <= spread < every``.
    """

    form: ClassVar[str] = "a duration such as 30s, 5m or 1h30m"
    examples: ClassVar[tuple[str, ...]] = ("1s", "5m", "1h30m", "7d")

    every: timedelta = field(metadata={"doc": "distance between two slots"})
    spread: timedelta = field(
        default=timedelta(0),
        metadata={"doc": "how far the grid is moved, so that streams do not all fire in the same second"},
    )

    def __post_init__(self) -> None:
        if self.every <= timedelta(0):
            raise ValueError(f"an interval of {format_duration(self.every)} never passes: use at least 1s")
        if not timedelta(0) <= self.spread < self.every:
            raise ValueError(
                f"the spread {format_duration(self.spread)} must lie between 0s and the interval,"
                f" {format_duration(self.every)}"
            )

    @classmethod
    def recognizes(cls, text: str) -> bool:
        """Whether ``text`` is meant as a duration, right or wrong."""
        return looks_like_duration(text)

    @classmethod
    def parse(cls, text: str, timezone: str | None, spread_key: str | None) -> Interval:
        """The interval that ``text`` names. Raises ValueError, also for a ``timezone``: it has no effect."""
        every = parse_duration(text)
        if timezone is not None:
            raise ValueError(
                f"timezone {timezone!r} has no effect on the duration {text!r}:"
                " remove it, or use a cron expression"
            )
        return cls(every, timedelta(0) if spread_key is None else spread_of(spread_key, every))

    @property
    def fingerprint(self) -> str:
        return f"every {format_duration(self.every)} + {format_duration(self.spread)}"

    def next(self, after: datetime) -> datetime:
        return self._slot(self._number(after) + 1)

    def latest(self, through: datetime) -> datetime:
        return self._slot(self._number(through))

    def count(self, after: datetime, through: datetime) -> int:
        return max(0, self._number(through) - self._number(after))

    def _number(self, moment: datetime) -> int:
        """The number ``n`` of the newest slot not later than ``moment``."""
        return (to_micros(moment) - self.spread // MICROSECOND) // (self.every // MICROSECOND)

    def _slot(self, number: int) -> datetime:
        return to_moment(number * (self.every // MICROSECOND) + self.spread // MICROSECOND)


def spread_of(key: str, every: timedelta) -> timedelta:
    """Where in ``every`` the stream named ``key`` stands: whole milliseconds, the same in every process."""
    hashed = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")
    return hashed % max(1, every // _MILLISECOND) * _MILLISECOND
