"""What the five fields of a cron expression say, and where they are wrong."""

from __future__ import annotations

import re
from typing import NamedTuple

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_ITEM = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?", re.ASCII)


class _Kind(NamedTuple):
    """One of the five places: its name, its bounds (both included) and its words."""

    name: str
    low: int
    high: int
    words: dict[str, int]

    @property
    def allowed(self) -> str:
        named = f" or {next(iter(self.words))}-{list(self.words)[-1]}" if self.words else ""
        return f"{self.low}-{self.high}{named}"


_KINDS = (
    _Kind("minute", 0, 59, {}),
    _Kind("hour", 0, 23, {}),
    _Kind("day of month", 1, 31, {}),
    _Kind("month", 1, 12, {word: number for number, word in enumerate(_MONTHS, start=1)}),
    _Kind("day of week", 0, 7, {word: number for number, word in enumerate(_WEEKDAYS)}),
)
_ORDER = "minute hour day-of-month month day-of-week"


class Fields(NamedTuple):
    """The values that each field allows; weekdays count from Sunday = 0.

    ``either_day``: neither day field begins with ``*``, so one of the two is enough (the
    classic rule). ``wild``: minute or hour begins with ``*``, which decides what happens
    when the clocks change.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    wild: bool


def read_fields(expression: str) -> Fields:
    """The fields of ``expression``. Raises ValueError that names the field and its allowed form."""
    texts = _split(expression)
    minutes, hours, days, months, weekdays = (
        _values(text, kind) for text, kind in zip(texts, _KINDS, strict=True)
    )
    starred = [text.startswith("*") for text in texts]
    return Fields(
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=days,
        months=months,
        weekdays=frozenset(number % 7 for number in weekdays),
        either_day=not starred[2] and not starred[4],
        wild=starred[0] or starred[1],
    )


def _split(expression: str) -> list[str]:
    words = expression.split()
    if len(words) == 1 and words[0].startswith("@"):
        nickname = NICKNAMES.get(words[0].lower())
        if nickname is None:
            raise ValueError(f"{words[0]!r} is not a cron nickname: use one of {', '.join(NICKNAMES)}")
        return nickname.split()
    if len(words) in {6, 7}:
        raise ValueError(
            f"cron expression {expression!r} has {len(words)} fields: write five, {_ORDER}."
            " Seconds and years are not supported; below a minute use a duration such as 30s"
        )
    if len(words) != len(_KINDS):
        raise ValueError(f"cron expression {expression!r} has {len(words)} fields: write five, {_ORDER}")
    return words


def _values(text: str, kind: _Kind) -> frozenset[int]:
    return frozenset(value for item in text.split(",") for value in _item(item, kind))


def _item(item: str, kind: _Kind) -> range:
    """``*``, ``5``, ``1-5``, ``*/2`` or ``1-5/2`` as a range of values."""
    matched = _ITEM.fullmatch(item)
    if matched is None:
        raise ValueError(
            f"cron field {kind.name}: {item!r} is none of *, 5, 1-5, */2, 1-5/2, nor a list of these"
        )
    first, last, step = matched["first"], matched["last"], matched["step"]
    if first is not None and last is None and step is not None:
        raise ValueError(
            f"cron field {kind.name}: {item!r} has a step without a range: write {first}-{kind.high}/{step}"
        )
    if step is not None and int(step) == 0:
        raise ValueError(f"cron field {kind.name}: the step in {item!r} must be at least 1")
    return _range(first, last, kind, item)[:: int(step or "1")]


def _range(first: str | None, last: str | None, kind: _Kind, item: str) -> range:
    if first is None:
        top = kind.high - 1 if kind.name == "day of week" else kind.high
        return range(kind.low, top + 1)
    low = _value(first, kind)
    high = low if last is None else _value(last, kind)
    if kind.name == "day of week" and high == 0:
        high = 7 if low > 0 else 0
    if low > high:
        raise ValueError(
            f"cron field {kind.name}: {item!r} runs backwards:"
            f" write two ranges, {first}-{kind.high},{kind.low}-{last}"
        )
    return range(low, high + 1)


def _value(text: str, kind: _Kind) -> int:
    number = kind.words.get(text.upper(), -1) if not text.isdigit() else int(text)
    if not kind.low <= number <= kind.high:
        raise ValueError(f"cron field {kind.name}: {text!r} is not allowed, use {kind.allowed}")
    return number
