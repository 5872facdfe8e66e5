"""A position is exact, sorts as time does, and is never written later than it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from poller.core.position import (
    MILLISECOND,
    NUMBERS,
    SECOND,
    TimeFormat,
    canonical,
    floor,
    from_canonical,
    from_datetime,
    is_ambiguous,
    is_number,
    nanoseconds,
    parse,
    resolution,
    to_datetime,
    write,
    zone_exists,
)

RFC = TimeFormat()
UNIX = TimeFormat("unix")
UNIX_MS = TimeFormat("unix_ms")
OSLO = TimeFormat(zone="Europe/Oslo")
OSLO_PATTERN = TimeFormat("%d.%m.%Y %H:%M:%S", "Europe/Oslo")
T = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z
FIRST = -62_135_596_800 * SECOND  # 0001-01-01T00:00:00Z
_YEAR_1000 = -30_610_224_000 * SECOND
LAST = 253_402_300_799 * SECOND + 999_999_999  # 9999-12-31T23:59:59.999999999Z

instants = st.integers(FIRST, LAST)
granularities = st.sampled_from([1, 1000, MILLISECOND, SECOND, 60 * SECOND, 3600 * SECOND, 86400 * SECOND])


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("2026-01-01T00:00:00Z", T),
        ("2026-01-01t00:00:00z", T),
        ("2026-01-01 00:00:00Z", T),
        ("2026-01-01T02:00:00+02:00", T),
        ("2026-01-01T02:00:00+0200", T),
        ("2026-01-01T02:00:00+02", T),
        ("2025-12-31T19:00:00-05:00", T),
        ("2026-01-01T00:00:00.1Z", T + 100_000_000),
        ("2026-01-01T00:00:00.123456789Z", T + 123_456_789),
        ("2026-01-01T00:00:00,123456789Z", T + 123_456_789),
        ("2026-01-01T00:00:00.1234567891234Z", T + 123_456_789),
        ("2025-12-31T23:59:60Z", T - SECOND),
        ("2026-01-01T00:00:00", T),
        ("2026-01-01 00:00:00.5", T + 500_000_000),
        ("2026-01-01T00:00", T),
        ("2026-01-01", T),
        ("  2026-01-01T00:00:00Z\n", T),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("0001-01-01T00:00:00Z", FIRST),
        ("9999-12-31T23:59:59.999999999Z", LAST),
    ],
)
def test_standard_text_is_read_exactly(text: str, position: int) -> None:
    assert parse(text, RFC) == position


@pytest.mark.parametrize(
    ("value", "how", "position"),
    [
        (1_767_225_600, UNIX, T),
        (1_767_225_600, RFC, T),
        (1_767_225_600_000, RFC, T),
        (1_767_225_600_123, UNIX_MS, T + 123 * MILLISECOND),
        (1, UNIX_MS, MILLISECOND),
        ("1767225600", UNIX, T),
        (" 1767225600 ", UNIX, T),
        ("+1767225600.000000001", UNIX, T + 1),
        ("1767225600123", UNIX_MS, T + 123 * MILLISECOND),
        (Decimal("1767225600.123456789"), UNIX, T + 123_456_789),
        (1767225600.25, UNIX, T + 250_000_000),
        (99_999_999_999, RFC, 99_999_999_999 * SECOND),
        (100_000_000_000, RFC, 100_000_000 * SECOND),
        (-100_000_000_000, RFC, -100_000_000 * SECOND),
        (100_000_000_000, UNIX, 100_000_000_000 * SECOND),
        (0, UNIX, 0),
        (-1, UNIX, -SECOND),
    ],
)
def test_numbers_are_epochs_and_the_format_or_their_size_says_of_what(
    value: object, how: TimeFormat, position: int
) -> None:
    assert parse(value, how) == position


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        "",
        "   ",
        "soon",
        "2026-13-01T00:00:00Z",
        "2026-02-30",
        "2026-01-01T25:00:00Z",
        "0000-00-00 00:00:00",
        "10000-01-01T00:00:00Z",
        "2026",
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        10**30,
        -(10**30),
        [],
        {},
        b"2026-01-01",
    ],
)
def test_what_names_no_instant_is_none_and_never_an_error(value: object) -> None:
    expected = 2026 * SECOND if value == "2026" else None  # a bare number is an epoch

    assert parse(value, RFC) == expected


@pytest.mark.parametrize(
    ("text", "how", "iso"),
    [
        ("01.07.2026 12:00:00", OSLO_PATTERN, "2026-07-01T10:00:00Z"),
        ("01.01.2026 12:00:00", OSLO_PATTERN, "2026-01-01T11:00:00Z"),
        ("2026-07-01 12:00:00", OSLO, "2026-07-01T10:00:00Z"),
        ("2026-07-01 12:00:00Z", OSLO, "2026-07-01T12:00:00Z"),
        ("20260701", TimeFormat("%Y%m%d"), "2026-07-01T00:00:00Z"),
        ("2026-07-01 12:00:00 +0200", TimeFormat("%Y-%m-%d %H:%M:%S %z"), "2026-07-01T10:00:00Z"),
        ("2026-07-01T12:00:00Z", OSLO_PATTERN, "2026-07-01T12:00:00Z"),
    ],
)
def test_patterns_and_zones_place_naive_text(text: str, how: TimeFormat, iso: str) -> None:
    assert parse(text, how) == parse(iso, RFC)


def test_text_that_fits_neither_the_pattern_nor_a_standard_is_none() -> None:
    assert parse("32.13.2026", OSLO_PATTERN) is None


def test_the_autumn_hour_is_read_as_the_earlier_and_known_to_be_ambiguous() -> None:
    earlier = parse("2026-10-25T00:30:00Z", RFC)
    later = parse("2026-10-25T01:30:00Z", RFC)
    assert earlier is not None
    assert later is not None

    assert parse("2026-10-25 02:30:00", OSLO) == earlier
    assert is_ambiguous(earlier, OSLO)
    assert is_ambiguous(later, OSLO)
    assert not is_ambiguous(later + 3600 * SECOND, OSLO)
    assert not is_ambiguous(earlier - 3600 * SECOND, OSLO)
    assert not is_ambiguous(earlier, RFC)


@given(instants | st.sampled_from([FIRST, LAST]), st.sampled_from(["Europe/Oslo", "America/New_York", "UTC"]))
def test_any_instant_can_be_asked_whether_it_is_ambiguous(position: int, zone: str) -> None:
    assert is_ambiguous(position, TimeFormat(zone=zone)) in (True, False)


def test_the_last_instant_of_the_calendar_is_not_ambiguous_anywhere() -> None:
    assert not is_ambiguous(LAST, OSLO)
    assert not is_ambiguous(FIRST, TimeFormat(zone="America/New_York"))


def test_the_hour_that_spring_skips_is_still_an_instant() -> None:
    assert parse("2026-03-29 02:30:00", OSLO) == parse("2026-03-29T01:30:00Z", RFC)


@pytest.mark.parametrize(
    ("position", "how", "written"),
    [
        (T, RFC, "2026-01-01T00:00:00Z"),
        (T + 500 * MILLISECOND, RFC, "2026-01-01T00:00:00.500Z"),
        (T + 1000, RFC, "2026-01-01T00:00:00.000001Z"),
        (T + 1, RFC, "2026-01-01T00:00:00.000000001Z"),
        (T + 999_999_999, UNIX, 1_767_225_600),
        (T + 1_999_999, UNIX_MS, 1_767_225_600_001),
        (-1, UNIX, -1),
        (-1, UNIX_MS, -1),
        (T, OSLO, "2026-01-01T01:00:00"),
        (T + 250 * MILLISECOND, OSLO, "2026-01-01T01:00:00.250"),
        (T, OSLO_PATTERN, "01.01.2026 01:00:00"),
        (T + 999_999_999, TimeFormat("%Y-%m-%dT%H:%M:%S.%fZ"), "2026-01-01T00:00:00.999999Z"),
    ],
)
def test_a_position_is_written_as_the_api_wants_it(position: int, how: TimeFormat, written: object) -> None:
    assert write(position, how) == written


@pytest.mark.parametrize(
    ("how", "step"),
    [
        (RFC, 1),
        (TimeFormat("raw"), 1),
        (UNIX, SECOND),
        (UNIX_MS, MILLISECOND),
        (TimeFormat("%Y-%m-%dT%H:%M:%S.%f"), 1000),
        (TimeFormat("%Y-%m-%dT%H:%M:%S"), SECOND),
        (TimeFormat("%F %T"), SECOND),
        (TimeFormat("%Y-%m-%d %H:%M"), 60 * SECOND),
        (TimeFormat("%F %R"), 60 * SECOND),
        (TimeFormat("%Y-%m-%d %H"), 3600 * SECOND),
        (TimeFormat("%Y-%m-%d %I %p"), 3600 * SECOND),
        (TimeFormat("%Y%m%d"), 86400 * SECOND),
    ],
)
def test_the_resolution_is_what_the_format_can_tell_apart(how: TimeFormat, step: int) -> None:
    assert resolution(how) == step


@given(instants, st.sampled_from([RFC, UNIX, UNIX_MS, TimeFormat("%Y-%m-%dT%H:%M:%S.%f")]))
def test_what_is_written_is_read_again_never_later_and_less_than_one_step_earlier(
    position: int, how: TimeFormat
) -> None:
    # strftime does not pad years below 1000 on every platform.
    assume(not how.is_pattern or position >= _YEAR_1000)

    again = parse(write(position, how), how)

    assert again is not None
    assert position - resolution(how) < again <= position


@given(instants, instants)
def test_canonical_text_sorts_as_the_numbers_do_and_comes_back(one: int, other: int) -> None:
    assert (canonical(one) < canonical(other)) == (one < other)
    assert len(canonical(one)) == len("2026-01-01T00:00:00.000000000Z")
    assert from_canonical(canonical(one)) == one


@given(instants, granularities)
def test_the_floor_is_the_start_of_the_unit(position: int, granularity: int) -> None:
    start = floor(position, granularity)

    assert start % granularity == 0
    assert 0 <= position - start < granularity


def test_the_floor_is_exact_where_a_double_is_not() -> None:
    assert floor(T + 123_456_789, 1) == T + 123_456_789
    assert floor(-1, SECOND) == -SECOND


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])))
def test_a_datetime_comes_back_whole(moment: datetime) -> None:
    position = from_datetime(moment)
    assume(FIRST <= position <= LAST)

    assert to_datetime(position) == moment
    assert position == parse(moment.isoformat(), RFC)


def test_a_position_is_cut_to_the_microsecond_towards_the_past() -> None:
    assert to_datetime(T + 1999) == datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert to_datetime(-1) == datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


@given(st.timedeltas(min_value=timedelta(days=-9999), max_value=timedelta(days=9999)))
def test_a_span_in_nanoseconds_is_exact(span: timedelta) -> None:
    assert timedelta(microseconds=nanoseconds(span) // 1000) == span
    assert nanoseconds(span) % 1000 == 0


@given(st.text(max_size=30) | st.integers() | st.floats() | st.decimals() | st.binary(max_size=5))
def test_no_value_whatever_raises(value: object) -> None:
    for how in (RFC, UNIX, UNIX_MS, OSLO, OSLO_PATTERN):
        found = parse(value, how)
        assert found is None or FIRST <= found <= LAST


@pytest.mark.parametrize("name", ["Europe/Oslo", "UTC", "America/St_Johns"])
def test_a_zone_of_the_database_exists(name: str) -> None:
    assert zone_exists(name)


@pytest.mark.parametrize(
    "name", ["Europe/Atlantis", "", "../etc/passwd", "Europe/Oslo\x00", "/etc/localtime", "CEST+1"]
)
def test_a_name_that_is_no_zone_does_not_exist(name: str) -> None:
    assert not zone_exists(name)


INTEGER = TimeFormat("integer")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0),
        (17, 17),
        ("17", 17),
        (" -3 ", -3),
        (17.0, 17),
        (Decimal("1E+3"), 1000),
        (10**20 - 1, 10**20 - 1),
        (10**20, None),
        (17.5, None),
        (True, None),
        (None, None),
        ("17a", None),
        ("2026-11-21", None),
        (Decimal("1E+999999999"), None),
        (float("inf"), None),
        ([1], None),
    ],
)
def test_a_number_that_grows_is_a_position(value: object, number: int | None) -> None:
    found = parse(value, INTEGER)

    assert found == (None if number is None else NUMBERS + number)
    if found is not None:
        assert write(found, INTEGER) == number
        assert is_number(found)


@given(st.integers(-(10**20) + 1, 10**20 - 1), st.integers(-(10**20) + 1, 10**20 - 1))
def test_numbers_sort_as_their_text_does_and_come_back(one: int, other: int) -> None:
    first, second = canonical(NUMBERS + one), canonical(NUMBERS + other)

    assert (first < second) == (one < other)
    assert from_canonical(first) == NUMBERS + one


def test_a_moment_is_no_number_and_an_exponent_beyond_all_bounds_is_no_moment() -> None:
    assert not is_number(T)
    assert parse(Decimal("1E+999999999"), RFC) is None
