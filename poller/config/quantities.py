"""Reads durations, sizes and rates."""

from __future__ import annotations

import re
from datetime import timedelta

from poller.config.refusals import Refusal, advised, kind_of, shown
from poller.core.duration import parse_duration
from poller.core.model import Window

_DURATIONS = "write a number and a unit in quotes, such as 30s, 5m, 1h30m or 90d (units: w d h m s ms us)"


def duration(value: object) -> timedelta:
    """A span of time, zero included."""
    if not isinstance(value, str):
        raise Refusal(f"a duration must be text with a unit, not {kind_of(value)}", _DURATIONS)
    try:
        return parse_duration(value)
    except ValueError as error:
        raise advised(error, _DURATIONS) from None


def some_duration(value: object) -> timedelta:
    """A span of time longer than nothing."""
    span = duration(value)
    if span <= timedelta(0):
        raise Refusal(f"{shown(value)} is no time at all", "write a duration above zero, such as 30s or 5m")
    return span


def kept_for(value: object) -> timedelta | None:
    """How long rows are kept; None for ever."""
    return None if value == "forever" else some_duration(value)


_SIZES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def size(value: object) -> int:
    """Bytes: ``"30MB"`` (millions), ``"30MiB"`` (of 1024²), or a plain number."""
    hint = 'write a number and a unit in quotes, such as "500KB", "30MB" or "64MiB"'
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)\s*([A-Za-z]*)", str(value).strip())
    if isinstance(value, bool) or not isinstance(value, int | str) or match is None:
        raise Refusal(f"{shown(value)} is not a size", hint)
    unit = _SIZES.get(match[2].upper())
    if unit is None:
        raise Refusal(f"{shown(value)} has an unknown unit {match[2]!r}", hint)
    if (total := round(float(match[1]) * unit)) < 1:
        raise Refusal(f"{shown(value)} is no size at all", hint)
    return total


_PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def rate(value: object) -> Window:
    """``"1000/minute"``, ``"10/second"``, ``"100/15m"``."""
    hint = 'write requests per time, such as "10/second", "1000/minute", "5000/hour" or "100/15m"'
    if not isinstance(value, str) or (match := re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\S+)\s*", value)) is None:
        raise Refusal(f"{shown(value)} is not a rate", hint)
    if (permits := int(match[1])) < 1:
        raise Refusal(f"{shown(value)} allows no request at all", hint)
    word = match[2].lower()
    if word in _PERIODS:
        return Window(permits, timedelta(seconds=_PERIODS[word]))
    try:
        per = parse_duration(word)
    except ValueError:
        raise Refusal(f"{shown(value)} names no time that a rate can be counted over", hint) from None
    if per <= timedelta(0):
        raise Refusal(f"{shown(value)} counts over no time at all", hint)
    return Window(permits, per)
