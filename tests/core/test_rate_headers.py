"""Which headers keep us away, for how long, and which are ignored."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from poller.core.page import Response
from poller.core.position import from_datetime
from poller.core.rate_headers import LONGEST, Pause, pause_of

NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
EPOCH = int(NOON.timestamp())


def pause(*headers: tuple[str, str], status: int = 200, date: datetime | None = NOON) -> Pause | None:
    asked_at = datetime(2026, 11, 21, 11, 0, 0, tzinfo=UTC)
    when = None if date is None else from_datetime(date)
    return pause_of(Response(status, headers, b"", asked_at, when))


def seconds(*headers: tuple[str, str], status: int = 200, date: datetime | None = NOON) -> float | None:
    found = pause(*headers, status=status, date=date)
    return None if found is None else found.seconds


@pytest.mark.parametrize("family", ["ratelimit", "x-ratelimit", "x-rate-limit"])
@pytest.mark.parametrize(
    ("reset", "expected"),
    [
        ("30", 30.0),
        (" 30 ", 30.0),
        ("1.5", 1.5),
        (str(EPOCH + 30), 30.0),
        (f"{EPOCH + 30}.250", 30.25),
        (str((EPOCH + 30) * 1000), 30.0),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30.0),
        ("5, 30", 30.0),
        (str(EPOCH + 90_000), LONGEST),
        ("999999999", LONGEST),
    ],
)
def test_none_left_keeps_away_until_the_reset(family: str, reset: str, expected: float) -> None:
    headers = ((f"{family}-limit", "100"), (f"{family}-remaining", "0"), (f"{family}-reset", reset))

    assert seconds(*headers) == pytest.approx(expected)
    assert seconds(*headers, status=403) == pytest.approx(expected)


def test_the_reason_is_said_in_words() -> None:
    found = pause(("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30"))

    assert found == Pause(30.0, "left no request for 30 s (x-ratelimit-reset)")


def test_a_moment_is_relative_to_our_clock_where_the_server_shows_none() -> None:
    headers = (("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", str(EPOCH + 30)))

    assert seconds(*headers, date=None) == 3630.0


@pytest.mark.parametrize("reset", ["0", str(EPOCH), str(EPOCH - 5), "Sat, 21 Nov 2026 11:00:30 GMT"])
def test_a_reset_that_is_over_asks_for_nothing(reset: str) -> None:
    assert seconds(("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)) is None


@pytest.mark.parametrize(
    "reset", ["", "-1", "soon", "1e3", "٣", "9" * 19, "2026-11-21T12:00:30Z", "0x1f", "nan"]
)
def test_a_reset_that_is_garbage_asks_for_nothing(reset: str) -> None:
    assert seconds(("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)) is None
    assert seconds(("x-ratelimit-reset", reset), status=429) is None


@pytest.mark.parametrize("left", ["1", "0.5", "-1", "", "none", "unlimited"])
def test_a_source_that_leaves_something_is_asked_on(left: str) -> None:
    assert seconds(("x-ratelimit-remaining", left), ("x-ratelimit-reset", "30")) is None


def test_none_left_without_a_reset_asks_for_nothing() -> None:
    assert seconds(("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "0")) is None
    assert seconds(("ratelimit", '"default";r=0')) is None
    assert seconds(("ratelimit", '"default";r=0'), ("ratelimit-policy", '"other";w=9')) is None


def test_a_limit_of_zero_is_no_limit() -> None:
    headers = (("x-ratelimit-limit", "0"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30"))

    assert seconds(*headers) is None
    assert seconds(("ratelimit", "limit=0, remaining=0, reset=30")) is None


def test_a_limit_with_its_policy_behind_it_is_a_limit() -> None:
    headers = (("ratelimit-limit", "0, 10;w=1"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "1"))

    assert seconds(*headers) == 1.0


def test_of_fields_that_come_twice_the_strictest_counts() -> None:
    headers = (
        ("x-ratelimit-remaining", "5"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "3"),
        ("x-ratelimit-reset", "soon"),
        ("x-ratelimit-reset", "8"),
    )

    assert seconds(*headers) == 8.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"default";r=0;t=30', 30.0),
        ('"default"; r=0; t=30', 30.0),
        ('"burst";r=0;t=3, "daily";r=900;t=40000', 3.0),
        ('"burst";r=0;t=3, "daily";r=0;t=40000', 40_000.0),
        ('"burst";r=9;t=3, "daily";r=900;t=40000', None),
        ('"a, b;c";r=0;t=7', 7.0),
        ('"say \\"x\\", y";r=0;t=7', 7.0),
        ('"default";R=0;T=7', 7.0),
        ("default;r=0;t=7", 7.0),
        ('"default";r=0;t=99999999', LONGEST),
        ('"default";r=0;t=0', None),
        ('"default";r=x;t=5', None),
        ('"default";r=0;t=x', None),
        ('"default";r;t', None),
        ("limit=100, remaining=0, reset=30", 30.0),
        ("limit=100,remaining=3,reset=30", None),
        ("remaining=0", None),
        ("reset=30", None),
        ("=;,;=,", None),
        (";", None),
        (';"', None),
        ("", None),
    ],
)
def test_the_structured_field_of_the_draft(value: str, expected: float | None) -> None:
    assert seconds(("ratelimit", value)) == expected


def test_a_policy_gives_the_window_of_a_name_without_a_reset() -> None:
    policy = ("ratelimit-policy", '"burst";q=10;w=2, "hourly";q=1000;w=3600')

    assert seconds(("ratelimit", '"hourly";r=0'), policy) == 3600.0
    assert seconds(("ratelimit", '"burst";r=0, "hourly";r=5'), policy) == 2.0
    assert seconds(("ratelimit", '"hourly";r=0;t=12'), policy) == 12.0


def test_a_429_without_retry_after_is_taken_at_its_reset() -> None:
    assert seconds(("x-ratelimit-reset", "30"), status=429) == 30.0
    assert seconds(("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "30"), status=429) == 30.0
    assert pause(("x-ratelimit-reset", "30"), status=429) == Pause(
        30.0, "has a reset in 30 s (x-ratelimit-reset)"
    )


def test_of_several_policies_a_429_means_the_one_that_is_nearest_to_its_end() -> None:
    value = '"burst";r=1;t=2, "daily";r=900;t=40000, "other"'

    assert seconds(("ratelimit", value), status=429) == 2.0


def test_retry_after_counts_before_a_reset_that_is_not_due() -> None:
    headers = (("retry-after", "5"), ("x-ratelimit-reset", "30"))

    assert seconds(*headers, status=429) == 5.0
    assert pause(*headers, status=429) == Pause(5.0, "asked for 5 s")


def test_of_retry_after_and_none_left_the_longer_counts() -> None:
    assert seconds(("retry-after", "5"), ("ratelimit", '"d";r=0;t=30')) == 30.0
    assert seconds(("retry-after", "50"), ("ratelimit", '"d";r=0;t=30')) == 50.0


def test_retry_after_zero_leaves_the_backoff() -> None:
    assert pause(("retry-after", "0"), status=429) is None
    assert pause(("retry-after", "0"), ("x-ratelimit-reset", "9"), status=429) is None


def test_an_answer_that_says_nothing_keeps_nobody_away() -> None:
    assert pause() is None
    assert pause(status=429) is None


@given(
    some.lists(
        some.tuples(
            some.sampled_from(
                ["ratelimit", "ratelimit-policy", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"]
            ),
            some.text(some.sampled_from('0123456789rtw=;,."\\- %\t')) | some.text(max_size=20),
        ),
        max_size=5,
    ),
    some.sampled_from([200, 403, 429, 503]),
)
def test_garbage_never_breaks_anything_and_never_waits_beyond_the_cap(
    headers: list[tuple[str, str]], status: int
) -> None:
    found = pause(*headers, status=status)

    assert found is None or 0 < found.seconds <= 31 * 86_400


def test_a_date_far_away_is_capped() -> None:
    reset = str(int((NOON + timedelta(days=4000)).timestamp()))

    assert seconds(("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)) == LONGEST


def test_a_field_without_measure_is_not_read() -> None:
    hostile = '"d";r=0;t=30,' + '"\\' * 50_000

    began = time.perf_counter()
    assert pause(("ratelimit", hostile)) is None
    assert time.perf_counter() - began < 0.5
