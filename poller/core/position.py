"""Where a record or a stream stands, as an exact number that can be compared and moved.

A timestamp position is an ``int``: nanoseconds since 1970-01-01T00:00:00Z, exact for the
years 1 to 9999. Its text as received is kept elsewhere; the number only compares. An integer
position ``n`` (a sequence number) is ``NUMBERS + n``: it lies far beyond every moment, so that
one kind of number carries both, everything that compares and moves positions works on both,
and neither is ever taken for the other.
``whenever`` parses (RFC 3339 §5.6 and its relatives, nine fraction digits, lower-case
``t`` and ``z``, ``:60``), because ``datetime`` truncates to microseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias

from whenever import Instant, PlainDateTime, TimeZoneNotFoundError

Position: TypeAlias = int
"""Nanoseconds since the Unix epoch, or :data:`NUMBERS` and a number."""

NUMBERS = 10**30
"""Where integer positions begin to count; no moment lies even near it."""
LARGEST_NUMBER = 10**20 - 1
"""Twenty digits: what unsigned 64 bits can hold, and more."""

SECOND = 1_000_000_000
MILLISECOND = 1_000_000

_PATTERN_STEPS = (
    (1000, ("%f",)),
    (SECOND, ("%S", "%s", "%T", "%X", "%c")),
    (60 * SECOND, ("%M", "%R")),
    (3600 * SECOND, ("%H", "%I")),
    (86400 * SECOND, ("",)),
)
_NUMERIC = re.compile(r"[+-]?\d+(\.\d+)?")
_WHOLE = re.compile(r"[+-]?\d{1,21}")
_MIDWAY = NUMBERS // 2
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_LONG_FRACTION = re.compile(r"([.,]\d{9})\d+")
_SHORT_OFFSET = re.compile(r"([+-]\d\d)$")
_MILLISECONDS_FROM = Decimal(100_000_000_000)
"""A bare number this large is read as milliseconds: as seconds it would lie past the year 5138."""


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """How a stream writes time.

    ``format``: ``rfc3339``, ``unix``, ``unix_ms``, ``raw`` (the text exactly as received),
    ``integer`` (no time at all: a number that grows) or a strftime pattern. ``zone``: IANA name for
    timestamps that carry no offset; None reads them as UTC.
    """

    format: str = "rfc3339"
    zone: str | None = None

    @property
    def is_pattern(self) -> bool:
        return "%" in self.format


def parse(value: object, how: TimeFormat) -> Position | None:
    """The position that ``value`` (text or number, from JSON) names; None when it names none.

    The value's own shape decides, so that an API may filter by epoch seconds and answer in
    RFC 3339; ``how.format`` decides between seconds and milliseconds, and gives the pattern
    for texts that are in no standard form.
    """
    if isinstance(value, bool) or value is None:
        return None
    if how.format == "integer":
        return _from_integer(value)
    if isinstance(value, int | float | Decimal):
        return _from_number(Decimal(str(value)), how)
    return _from_any_text(value, how) if isinstance(value, str) else None


def _from_any_text(value: str, how: TimeFormat) -> Position | None:
    if how.is_pattern:
        return _from_text(value.strip(), how)
    try:
        return Instant.parse_iso(value).timestamp(unit="nanosecond")
    except ValueError:
        text = value.strip()
    return _from_number(Decimal(text), how) if _NUMERIC.fullmatch(text) else _from_text(text, how)


def write(position: Position, how: TimeFormat) -> str | int:
    """``position`` as the API wants it in a request: an ``int`` for epochs, else text.

    Never later than ``position``: digits that the format cannot hold are cut off.
    """
    if how.format == "integer":
        return position - NUMBERS
    if how.format == "unix":
        return position // SECOND
    if how.format == "unix_ms":
        return position // MILLISECOND
    moment = Instant.from_timestamp(min(max(position, _FIRST), _LAST), unit="nanosecond")
    local = moment.to_tz(how.zone) if how.zone else None
    if how.is_pattern:
        aware = local.to_plain().to_stdlib() if local is not None else moment.to_stdlib()
        return aware.strftime(how.format)
    unit = _unit_for(position)
    if local is not None:
        return local.to_plain().format_iso(unit=unit)
    return moment.format_iso(unit=unit)


def canonical(position: Position) -> str:
    """Fixed-width text that sorts as the position does: ``2026-11-21T12:00:00.000000000Z``, or the
    twenty digits of a number (of its distance from -10^20 when it is negative, behind a minus sign).
    """
    if position < _MIDWAY:
        return Instant.from_timestamp(position, unit="nanosecond").format_iso(unit="nanosecond")
    number = position - NUMBERS
    return f"{number:020d}" if number >= 0 else f"-{number + LARGEST_NUMBER + 1:020d}"


def from_canonical(text: str) -> Position:
    """The inverse of :func:`canonical`."""
    if text[-1] == "Z":
        return Instant.parse_iso(text).timestamp(unit="nanosecond")
    if text[0] == "-":
        return NUMBERS + int(text[1:]) - LARGEST_NUMBER - 1
    return NUMBERS + int(text)


def is_number(position: Position) -> bool:
    """Whether it is an integer position, and not a moment."""
    return position >= _MIDWAY


def from_datetime(moment: datetime) -> Position:
    """An aware datetime as a position, exact to the microsecond."""
    whole = moment.astimezone(UTC)
    return (whole - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def to_datetime(position: Position) -> datetime:
    """A position as an aware UTC datetime, cut to the microsecond."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=position // 1000)


def nanoseconds(span: timedelta) -> int:
    """A ``timedelta`` in nanoseconds."""
    return span // timedelta(microseconds=1) * 1000


def resolution(how: TimeFormat) -> int:
    """The smallest step, in nanoseconds, that :func:`write` can express."""
    if how.format in ("rfc3339", "raw"):
        return 1
    if how.is_pattern:
        return next(step for step, marks in _PATTERN_STEPS if any(mark in how.format for mark in marks))
    return MILLISECOND if how.format == "unix_ms" else SECOND


def floor(position: Position, granularity: int) -> Position:
    """The start of the unit (of ``granularity`` nanoseconds) that ``position`` lies in."""
    return position - position % granularity


def is_ambiguous(position: Position, how: TimeFormat) -> bool:
    """Whether a naive local time could have meant this instant or another one (the autumn hour)."""
    if how.zone is None:
        return False
    try:
        plain = Instant.from_timestamp(position, unit="nanosecond").to_tz(how.zone).to_plain()
    except ValueError:  # the last hours of year 9999 have no local time east of Greenwich
        return False
    earlier = plain.assume_tz(how.zone, disambiguation="earlier")
    return earlier.to_instant() != plain.assume_tz(how.zone, disambiguation="later").to_instant()


def zone_exists(name: str) -> bool:
    """Whether ``name`` is an IANA zone on this machine."""
    try:
        Instant.from_timestamp(0).to_tz(name)
    except (TimeZoneNotFoundError, ValueError):
        return False
    return True


def _from_integer(value: object) -> Position | None:
    """A whole number, as JSON number or as text; None for anything else, and beyond twenty digits."""
    if isinstance(value, str):
        value = int(value) if _WHOLE.fullmatch(value.strip()) else None
    if not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value))
    if not _is_within_bounds(number) or number != number.to_integral_value():
        return None
    return NUMBERS + int(number)


def _is_within_bounds(number: Decimal) -> bool:
    """Compared, never computed with: an operation on a large exponent overflows."""
    return number.is_finite() and -LARGEST_NUMBER <= number <= LARGEST_NUMBER


def _from_number(number: Decimal, how: TimeFormat) -> Position | None:
    if not _is_within_bounds(number):  # 1e999999999 would fill the memory
        return None
    in_milliseconds = how.format == "unix_ms" or (how.format != "unix" and abs(number) >= _MILLISECONDS_FROM)
    position = int(number * (MILLISECOND if in_milliseconds else SECOND))
    return position if _FIRST <= position <= _LAST else None


def _from_text(text: str, how: TimeFormat) -> Position | None:
    if how.is_pattern and (found := _from_pattern(text, how)) is not None:
        return found
    tidy = _LONG_FRACTION.sub(r"\1", text).replace(",", ".")
    if _DATE.fullmatch(tidy):
        tidy += "T00:00:00"
    for candidate in (tidy, _SHORT_OFFSET.sub(r"\1:00", tidy)):
        try:
            return Instant.parse_iso(candidate).timestamp(unit="nanosecond")
        except ValueError:
            pass
    try:
        return _from_plain(PlainDateTime.parse_iso(tidy), how)
    except ValueError:
        return None


def _from_pattern(text: str, how: TimeFormat) -> Position | None:
    try:
        moment = datetime.strptime(text, how.format)  # noqa: DTZ007 (a naive result is placed below)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        return from_datetime(moment)
    return _from_plain(PlainDateTime(moment), how)


def _from_plain(plain: PlainDateTime, how: TimeFormat) -> Position:
    placed = (
        plain.assume_utc()
        if how.zone is None
        else plain.assume_tz(how.zone, disambiguation="compatible").to_instant()
    )
    return placed.timestamp(unit="nanosecond")


def _unit_for(position: Position) -> Literal["second", "millisecond", "microsecond", "nanosecond"]:
    if position % SECOND == 0:
        return "second"
    if position % MILLISECOND == 0:
        return "millisecond"
    return "microsecond" if position % 1000 == 0 else "nanosecond"


_FIRST = Instant.MIN.timestamp(unit="nanosecond")
_LAST = Instant.MAX.timestamp(unit="nanosecond")
