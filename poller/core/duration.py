"""How spans of time are written in settings and shown to people: ``5m``, ``1h30m``, ``90d``."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction

_UNITS = {
    "w": 604_800_000_000,
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "m": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
    "us": 1,
}
"""Microseconds, largest first: the order in which a duration names them."""

_SHOWN = ("d", "h", "m", "s", "ms", "us")
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|us|[wdhms])", re.ASCII)
_ALLOWED = "write it as a number and a unit, such as 30s, 5m, 1h30m or 90d (units: w d h m s ms us)"
_LONGEST = timedelta.max // timedelta(microseconds=1)


def looks_like_duration(text: str) -> bool:
    """Whether ``text`` is meant as a duration, right or wrong: one or two words, a digit first."""
    return text.strip()[:1].isdigit() and len(text.split()) <= 2  # noqa: PLR2004 (``1h 30m``)


def parse_duration(text: str) -> timedelta:
    """The span that ``text`` names, exact to the microsecond; never negative.

    Units go from large to small, each once (``1h30m``); a number may have a fraction
    (``1.5h``). Raises ValueError that says what is allowed.
    """
    parts = _parts(text)
    units = [unit for _, unit in parts]
    if sorted(set(units), key=list(_UNITS).index) != units:
        raise ValueError(f"duration {text!r} names a unit twice or out of order: write 1h30m, not 30m1h")
    total = sum(Fraction(number) * _UNITS[unit] for number, unit in parts)
    if total.denominator != 1:
        raise ValueError(f"duration {text!r} is finer than a microsecond")
    if total > _LONGEST:
        raise ValueError(f"duration {text!r} is longer than {timedelta.max.days} days")
    return timedelta(microseconds=int(total))


def format_duration(span: timedelta) -> str:
    """``span`` exactly, as :func:`parse_duration` reads it: ``2h5m``, ``1s500ms``, ``0s``.

    A negative span (a clock that is behind) gets a leading minus, which is for people only.
    """
    return "".join(_counted(span)) or "0s"


def about(span: timedelta) -> str:
    """``span`` for people: its two largest units, the rest cut off; ``3d4h``, ``2h5m``, ``0s``.

    Milliseconds are shown only below one second, microseconds never.
    """
    whole = timedelta(seconds=1) if abs(span) >= timedelta(seconds=1) else timedelta(milliseconds=1)
    cut = abs(span) // whole * whole
    words = _counted(cut if span >= timedelta(0) else -cut)
    return "".join(words[: 3 if words[:1] == ["-"] else 2]) or "0s"


def _parts(text: str) -> list[tuple[str, str]]:
    """Numbers with their units. Raises ValueError unless ``text`` consists of them alone."""
    stripped = text.strip()
    parts = _PART.findall(stripped)
    if not parts or _PART.sub("", stripped).strip():
        bare = f"; {stripped!r} has no unit" if stripped.isascii() and stripped.isdigit() else ""
        raise ValueError(f"{text!r} is not a duration{bare}: {_ALLOWED}")
    return parts


def _counted(span: timedelta) -> list[str]:
    """The units of ``span`` that are not zero, largest first, after a minus when it is negative."""
    rest = span // timedelta(microseconds=1)
    words = ["-"] if rest < 0 else []
    rest = abs(rest)
    for unit in _SHOWN:
        number, rest = divmod(rest, _UNITS[unit])
        if number > 0:
            words.append(f"{number}{unit}")
    return words
