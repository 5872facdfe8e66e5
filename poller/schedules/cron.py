"""Slots where a wall clock in some zone shows the times that a cron expression names."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from poller.schedules._instants import to_micros, to_moment
from poller.schedules._offsets import HORIZON, Stretch, stretches_between, stretches_from, stretches_until
from poller.schedules._walls import Pattern, pattern

_WORDS_OF_A_DURATION = 2
"""``1h 30m`` is still a duration."""
_TRIAL = datetime(2000, 1, 1, tzinfo=UTC)
"""From here on an expression must fire at least once, or it is refused."""


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields as in crontab(5): minute, hour, day of month, month, day of week.

    Each is ``*``, a value, a range ``1-5``, a step ``*/15`` or ``8-18/2``, or a list of these;
    months and weekdays also by name (``JAN``, ``MON``); 0 and 7 are Sunday. When neither day
    field begins with ``*``, a day that fits one of the two is enough; otherwise it must fit
    both. Nicknames: ``@hourly @daily @midnight @weekly @monthly @yearly @annually``.

    When the clocks change, the rules are those of Vixie cron (crontab(5) and cron(8) of
    Debian), for changes of any size:

    - An expression whose minute or hour begins with ``*`` follows the wall clock: what is
      shown twice fires twice, what is never shown does not fire. ``*/15 * * * *`` fires
      every quarter of an hour that really passes.
    - Any other names fixed times. Shown twice, it fires once, the first time. Never shown,
      it fires at the moment of the jump, once, however many of its times were left out.

    Raises ValueError for a wrong expression, an unknown zone, and what would never fire.
    """

    form: ClassVar[str] = "a cron expression of five fields such as '30 2 * * *'"
    examples: ClassVar[tuple[str, ...]] = ("*/5 * * * *", "30 2 * * *", "0 6,18 * * MON-FRI", "@daily")

    expression: str = field(metadata={"doc": "minute, hour, day of month, month, day of week, or a nickname"})
    timezone: str = field(default="UTC", metadata={"doc": "IANA name of the zone whose clock is meant"})

    def __post_init__(self) -> None:
        pattern(self.expression)
        _refuse_unknown_zone(self.timezone)
        self.next(_TRIAL)

    @classmethod
    def recognizes(cls, text: str) -> bool:
        """Whether ``text`` is meant as a cron expression, right or wrong."""
        return "*" in text or text.strip().startswith("@") or len(text.split()) > _WORDS_OF_A_DURATION

    @classmethod
    def parse(cls, text: str, timezone: str | None, spread_key: str | None) -> Cron:  # noqa: ARG003
        """The schedule that ``text`` names. The fields say the minute, so ``spread_key`` has no effect."""
        return cls(text, "UTC" if timezone is None else timezone)

    @property
    def fingerprint(self) -> str:
        """Two spellings of the same fields (``@daily``, ``0 0 * * *``) have the same one."""
        fields = self._pattern.fields
        parts = (fields.minutes, fields.hours, fields.days, fields.months, fields.weekdays)
        values = " ".join(_canonical(part) for part in parts)
        rule = "either" if fields.either_day else "both"
        return f"cron {values} {rule} {'wall' if fields.wild else 'fixed'} {self.timezone}"

    def next(self, after: datetime) -> datetime:
        """The first slot later than ``after``. Raises ValueError when there is none in 400 years."""
        low = to_micros(after) + 1
        for stretch in stretches_from(self.timezone, low):
            if stretch.start >= low and self._caught_up(stretch):
                return to_moment(stretch.start)
            begins = max(low, self._begins(stretch))
            found = self._pattern.first(begins + stretch.offset, stretch.end + stretch.offset)
            if found is not None:
                return to_moment(found - stretch.offset)
        raise ValueError(self._never("after", after))

    def latest(self, through: datetime) -> datetime:
        """The newest slot not later than ``through``. Raises ValueError when there is none in 400 years."""
        high = to_micros(through) + 1
        for stretch in stretches_until(self.timezone, high - 1):
            ends = min(high, stretch.end)
            found = self._pattern.last(self._begins(stretch) + stretch.offset, ends + stretch.offset)
            if found is not None:
                return to_moment(found - stretch.offset)
            if self._caught_up(stretch):
                return to_moment(stretch.start)
        raise ValueError(self._never("before", through))

    def count(self, after: datetime, through: datetime) -> int:
        low, high = to_micros(after) + 1, to_micros(through) + 1
        total = 0
        for stretch in stretches_between(self.timezone, low, high):
            total += int(stretch.start >= low and self._caught_up(stretch))
            begins, ends = max(low, self._begins(stretch)), min(high, stretch.end)
            total += self._pattern.count(begins + stretch.offset, ends + stretch.offset)
        return total

    @property
    def _pattern(self) -> Pattern:
        return pattern(self.expression)

    def _begins(self, stretch: Stretch) -> int:
        """The instant in the stretch from which the wall is listened to."""
        return stretch.start if self._pattern.fields.wild else stretch.resumes

    def _caught_up(self, stretch: Stretch) -> bool:
        """Whether the start of the stretch is a slot because a fixed time was left out just before it.

        When the wall shows a time of its own at that very moment, that one is the slot.
        """
        if self._pattern.fields.wild or stretch.jumped == 0:
            return False
        shown = stretch.start + stretch.offset
        left_out = self._pattern.count(shown - stretch.jumped, shown)
        return left_out > 0 and self._pattern.count(shown, shown + 1) == 0

    def _never(self, side: str, moment: datetime) -> str:
        return (
            f"cron expression {self.expression!r} never fires in {self.timezone} in the {HORIZON} years"
            f" {side} {moment:%Y-%m-%d}: its times are left out by every change of the clocks, or its days"
            " do not exist"
        )


def _refuse_unknown_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}: use an IANA name such as Europe/Oslo") from error


def _canonical(values: tuple[int, ...] | frozenset[int]) -> str:
    """The values as the shortest list of values and ranges: ``0,2-5``."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and runs[-1][-1] == value - 1:
            runs[-1][1:] = [value]
        else:
            runs.append([value])
    return ",".join("-".join(map(str, run)) for run in runs)
