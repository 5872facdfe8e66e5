"""Durations are read as people write them, and written as they are read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.core.duration import about, format_duration, looks_like_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("5s", timedelta(seconds=5)),
        ("5m", timedelta(minutes=5)),
        ("1h30m", timedelta(minutes=90)),
        ("1d", timedelta(days=1)),
        ("2w1d", timedelta(days=15)),
        ("1.5h", timedelta(minutes=90)),
        ("0.1s", timedelta(milliseconds=100)),
        ("250ms", timedelta(milliseconds=250)),
        ("1m1us", timedelta(minutes=1, microseconds=1)),
        (" 1h 30m ", timedelta(minutes=90)),
        ("0s", timedelta(0)),
    ],
)
def test_a_duration_is_a_list_of_numbers_with_units(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("30", "'30' has no unit"),
        ("", "is not a duration"),
        ("soon", "such as 30s, 5m, 1h30m"),
        ("5 minutes", "is not a duration"),
        ("-5m", "is not a duration"),
        ("5m!", "is not a duration"),
        ("5m5m", "twice or out of order"),
        ("30m1h", "write 1h30m, not 30m1h"),
        ("0.1us", "finer than a microsecond"),
        ("9999999999d", "longer than 999999999 days"),
    ],
)
def test_what_is_no_duration_is_refused_in_words_that_help(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_duration(text)


@given(st.timedeltas(min_value=timedelta(0)))
def test_what_is_written_reads_as_the_same_span(span: timedelta) -> None:
    assert parse_duration(format_duration(span)) == span


def test_a_span_is_written_in_its_units_and_without_empty_ones() -> None:
    assert format_duration(timedelta(hours=2, minutes=5)) == "2h5m"
    assert format_duration(timedelta(days=90)) == "90d"
    assert format_duration(timedelta(seconds=1.5)) == "1s500ms"
    assert format_duration(timedelta(0)) == "0s"
    assert format_duration(timedelta(seconds=-5)) == "-5s"


def test_people_are_shown_the_two_largest_units() -> None:
    assert about(timedelta(hours=2, minutes=5, seconds=59)) == "2h5m"
    assert about(timedelta(days=3, seconds=1, microseconds=5)) == "3d1s"
    assert about(timedelta(seconds=1, milliseconds=999)) == "1s"
    assert about(timedelta(milliseconds=42, microseconds=7)) == "42ms"
    assert about(timedelta(microseconds=7)) == "0s"
    assert about(-timedelta(hours=2, minutes=5, seconds=59)) == "-2h5m"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("5m", True),
        ("30", True),
        ("1h 30m", True),
        ("5 parsecs", True),
        ("0 0 1 1 1", False),
        ("@daily", False),
    ],
)
def test_what_is_meant_as_a_duration_is_known_even_when_it_is_wrong(text: str, meant: bool) -> None:  # noqa: FBT001
    assert looks_like_duration(text) is meant
