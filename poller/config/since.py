"""Reads a stream's since: how it writes time, how far it looks back, and what would lose rows."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from datetime import timedelta
from typing import Any

from poller.config.places import KeyPath
from poller.config.problems import Findings, did_you_mean
from poller.config.refusals import shown
from poller.config.shape import RawSince
from poller.core.duration import format_duration, parse_duration
from poller.core.model import Bound, Kind, SinceRule
from poller.core.position import Position, TimeFormat, from_datetime, parse, resolution, write, zone_exists

_FORMATS = ("rfc3339", "unix", "unix_ms", "raw")
_TRIALS = tuple(
    from_datetime(dt.datetime(*parts, tzinfo=dt.UTC))
    for parts in ((2024, 12, 30, 22, 58, 57, 987654), (1999, 2, 3, 4, 5, 6, 0), (2031, 7, 14, 13, 0, 9, 1))
)


def since_of(raw: RawSince, path: KeyPath, findings: Findings) -> SinceRule:
    """The rule of the since table at ``path``; what is wrong with it goes to ``findings``."""
    _check_kind(raw, path, findings)
    how = TimeFormat("integer") if raw.kind == "integer" else _time_format(raw, path, findings)
    if raw.kind == "timestamp":
        _check_spans(raw, path, findings)
        if raw.format == "raw":
            _check_raw(raw, path, findings)
    return SinceRule(
        how=how,
        bound=Bound(raw.bound),
        bound_unsaid="bound" not in raw.model_fields_set,
        start=_start(raw, how, (*path, "start"), findings),
        lookback=timedelta(0) if isinstance(raw.lookback, int) else raw.lookback,
        settle=raw.settle,
        granularity=raw.granularity,
        until=_until(raw.until, (*path, "until"), findings),
        history=raw.history,
        kind=Kind(raw.kind),
        count=int(raw.lookback) if isinstance(raw.lookback, int) else 0,
        token=raw.token,
        expired=frozenset(raw.expired),
    )


_MEANINGLESS: dict[str, tuple[frozenset[str], str]] = {
    "timestamp": (frozenset({"token", "expired"}), 'a timestamp: remove it, or write kind = "token"'),
    "integer": (
        frozenset(
            {"token", "expired", "format", "timezone", "granularity", "settle", "history", "until"},
        ),
        "a number, which has no clock: remove it",
    ),
    "token": (
        frozenset({"bound", "granularity", "start", "lookback", "settle", "history", "until"}),
        "an opaque token, which can only be sent back as it came: remove it",
    ),
}
"""By kind: the keys that say nothing, and why."""


def _check_kind(raw: RawSince, path: KeyPath, findings: Findings) -> None:
    keys, why = _MEANINGLESS[raw.kind]
    for key in sorted(keys & raw.model_fields_set):
        findings.at_key((*path, key), f"has no meaning for {why.split(':')[0]}", why.split(": ")[1])
    if raw.kind == "token" and raw.token is None:
        findings.at_key(
            path,
            'kind = "token" and nothing says where a page gives its token',
            'add token = "next_sync_token" (a JMESPath) or token = "header:NAME"',
        )
    counted = isinstance(raw.lookback, int)
    if raw.kind == "timestamp" and counted and raw.lookback != 0:
        findings.at_value(
            (*path, "lookback"),
            f"{raw.lookback} is no duration",
            f'write a unit: lookback = "{raw.lookback}m"',
        )
    if raw.kind == "integer" and not counted and raw.lookback:
        findings.at_value(
            (*path, "lookback"),
            "a number cannot be moved back by a duration",
            "write how many numbers are to be read again: lookback = 100",
        )


def _time_format(raw: RawSince, path: KeyPath, findings: Findings) -> TimeFormat:
    zone = raw.timezone
    if zone is not None and not zone_exists(zone):
        close = did_you_mean(zone, [name.lower() for name in zoneinfo.available_timezones()])
        named = {name.lower(): name for name in zoneinfo.available_timezones()}
        better = (
            re.sub(r'"(.+)"', lambda match: f'"{named[match[1]]}"', close) if close.startswith("did") else ""
        )
        findings.at_value(
            (*path, "timezone"),
            f"there is no time zone {shown(zone)}",
            better or "use an IANA name such as Europe/Oslo",
        )
        zone = None
    how = TimeFormat(raw.format, zone)
    if how.is_pattern:
        _check_pattern(how, (*path, "format"), findings)
    elif raw.format not in _FORMATS:
        findings.at_value(
            (*path, "format"),
            f"there is no format {shown(raw.format)}",
            f"{did_you_mean(raw.format, _FORMATS)} (or a strftime pattern such as %Y-%m-%dT%H:%M:%S)",
        )
    return how


def _check_pattern(how: TimeFormat, path: KeyPath, findings: Findings) -> None:
    """What is written must be read back as the same time, less what the pattern cuts off."""
    step = resolution(how)
    for trial in _TRIALS:
        written = str(write(trial, how))
        back = parse(written, how)
        if back is None or not 0 <= trial - back < step:
            meant = write(trial, TimeFormat("rfc3339"))
            findings.at_value(
                path,
                f"the pattern {shown(how.format)} loses information: {meant} is written as {written!r}"
                + (
                    " and cannot be read back"
                    if back is None
                    else f" and read back as {write(back, TimeFormat())}"
                ),
                "name the full date and a 24-hour time, such as %Y-%m-%dT%H:%M:%S, and no %z with timezone",
            )
            return


def _check_spans(raw: RawSince, path: KeyPath, findings: Findings) -> None:
    lookback = timedelta(0) if isinstance(raw.lookback, int) else raw.lookback
    if raw.granularity is not None and timedelta(0) < lookback < raw.granularity:
        findings.at_value(
            (*path, "lookback"),
            f"a lookback of {format_duration(lookback)} is shorter than the granularity,"
            f" {format_duration(raw.granularity)}",
            f"use at least {format_duration(raw.granularity)}, or leave it out: a unit is always read twice",
        )
    if raw.history is not None and raw.history <= lookback:
        findings.at_value(
            (*path, "history"),
            f"the API answers for {format_duration(raw.history)}, and the lookback asks for"
            f" {format_duration(lookback)}",
            "lower lookback below history",
        )


def _check_raw(raw: RawSince, path: KeyPath, findings: Findings) -> None:
    """A raw position is sent as it came: it cannot be moved by any span."""
    message = 'format "raw" sends a position exactly as it came, so it cannot be moved back'
    hint = "name the format (rfc3339, unix, unix_ms or a strftime pattern), or remove this"
    if raw.bound == "open":
        findings.at_value(
            (*path, "bound"),
            f"{message}: records with the same position would be lost behind an open bound",
            hint,
        )
    for key in ("lookback", "settle", "granularity"):
        if getattr(raw, key):
            findings.at_value((*path, key), message, hint)


def _start(raw: RawSince, how: TimeFormat, path: KeyPath, findings: Findings) -> Position | None:
    given: Any = raw.start
    if given is None or raw.kind == "token":
        return None
    written = given.isoformat() if isinstance(given, dt.date) else given
    position = parse(written, how)
    if position is None and raw.kind == "integer":
        findings.at_value(path, f"{shown(written)} is no whole number", "write it as start = 0")
    elif position is None:
        findings.at_value(path, f"{shown(written)} is no timestamp", 'write it as "2024-01-01T00:00:00Z"')
    elif how.format == "raw" and write(position, how) != written:
        findings.at_value(
            path,
            f'{shown(written)} would be sent as {write(position, how)}, and "raw" promises the exact text',
            f'write start = "{write(position, how)}", or name the format',
        )
    return position


def _until(given: str | None, path: KeyPath, findings: Findings) -> timedelta | None:
    if given is None:
        return None
    match = re.fullmatch(r"now(?:\s*\+\s*(\S+))?", given.strip())
    try:
        if match is not None:
            return timedelta(0) if match[1] is None else parse_duration(match[1])
    except ValueError:
        pass
    findings.at_value(
        path, f"{shown(given)} is no end", 'write "now" or "now+1d"; an earlier end would lose rows'
    )
    return None
