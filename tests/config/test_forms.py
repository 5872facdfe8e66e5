"""Durations, sizes, rates and the like mean what is written, and refuse the rest with a hint."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.config import forms, quantities, refusals
from poller.core.duration import format_duration

spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=5000))


@given(spans)
def test_a_duration_is_read_as_it_is_shown(span: timedelta) -> None:
    assert quantities.duration(format_duration(span)) == span


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_is_refused_with_the_right_forms(text: str) -> None:
    span: timedelta | None = None
    hint = ""

    try:
        span = quantities.duration(text)
    except refusals.Refusal as refusal:
        hint = refusal.hint

    assert hint != "" if span is None else span >= timedelta(0)


@given(
    st.integers(1, 10**6), st.sampled_from([("KB", 1000), ("MB", 10**6), ("MiB", 2**20), ("B", 1), ("", 1)])
)
def test_a_size_is_a_number_of_units(number: int, unit: tuple[str, int]) -> None:
    assert quantities.size(f"{number}{unit[0]}") == number * unit[1]
    assert quantities.size(f"{number} {unit[0].lower()}") == number * unit[1]


@given(st.integers(1, 10**6), spans.filter(lambda span: span > timedelta(0)))
def test_a_rate_is_a_number_per_time(permits: int, per: timedelta) -> None:
    window = quantities.rate(f"{permits}/{format_duration(per)}")

    assert (window.permits, window.per) == (permits, per)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5/second", 1), ("5 / minute", 60), ("5/Hour", 3600), ("5/day", 86400), ("5/15m", 900)],
)
def test_a_rate_names_its_time_in_words(text: str, seconds: int) -> None:
    assert quantities.rate(text).per == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (quantities.size, 30, 30),
        (quantities.size, "1.5KB", 1500),
        (forms.whole(1), "5", 5),
        (forms.truth, "False", False),
        (forms.number, "1.5", 1.5),
        (forms.number, 2, 2.0),
        (quantities.kept_for, "forever", None),
        (forms.base_url, "https://api.example/v1/", "https://api.example/v1"),
        (forms.base_url, "http://[::1]:8080", "http://[::1]:8080"),
        (forms.listen, "[::1]:0", "[::1]:0"),
        (forms.scalar, "E1", "E1"),
        (forms.scalar, False, False),
    ],
)
def test_what_is_right_is_read(read: Any, value: object, expected: object) -> None:  # noqa: ANN401
    assert read(value) == expected


@pytest.mark.parametrize(
    ("read", "value", "message"),
    [
        (forms.text, "", "must not be empty"),
        (forms.text, 5, "not a number"),
        (forms.text, True, "not true or false"),
        (forms.whole(1), 1.5, "must be a whole number, not a number"),
        (forms.whole(1), True, "not true or false"),
        (forms.whole(1, 9), 10, "10 is out of range"),
        (forms.number, 0.5, "0.5 is out of range"),
        (forms.number, float("nan"), "nan is out of range"),
        (forms.number, "x", "must be a number, not text"),
        (forms.truth, 1, "must be true or false"),
        (quantities.size, "0MB", "no size at all"),
        (quantities.size, True, "True is not a size"),
        (quantities.size, -1, "-1 is not a size"),
        (quantities.rate, "0/second", "allows no request"),
        (quantities.rate, "5/0s", "over no time"),
        (quantities.rate, 5, "5 is not a rate"),
        (forms.base_url, "ftp://a.example", "not a full http"),
        (forms.base_url, "https://", "not a full http"),
        (forms.base_url, "https://a.example:port", "not a URL"),
        (forms.base_url, "https://a b.example", "not a full http"),
        (forms.base_url, "https://a.example?x=1", "query or fragment"),
        (forms.base_url, "https://a.example#", "query or fragment"),
        (forms.base_url, "https://<host>/api", "to be filled in"),
        (forms.listen, "8787", "not host:port"),
        (forms.listen, "h:99999", "not host:port"),
        (forms.listen, 8787, "not host:port"),
        (forms.header_name, "X Y", "no header name"),
        (forms.where, "header:a b", "not a header name"),
        (forms.where, "a[", "not a JMESPath"),
        (forms.secret, "", "not an empty text"),
        (forms.scalar, [], "a code must be text"),
        (forms.choice("full", "keys"), 5, "5 is none of"),
        (quantities.duration, timedelta(1), "must be text with a unit, not timedelta"),
    ],
)
def test_what_is_wrong_is_refused_with_a_hint(read: Any, value: object, message: str) -> None:  # noqa: ANN401
    with pytest.raises(refusals.Refusal) as caught:
        read(value)

    assert message in caught.value.message
    assert caught.value.hint


def test_a_long_value_is_cut_in_messages() -> None:
    assert len(refusals.shown("x" * 1000)) == 60
