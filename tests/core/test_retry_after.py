"""Retry-After in both its forms, on any status."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from poller.core.page import Response
from poller.core.position import from_datetime
from poller.core.retry_after import LONGEST, http_date, seconds, wait_seconds

NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
CLOCK = from_datetime(NOON)


def response(*headers: tuple[str, str], status: int = 429, date: datetime | None = NOON) -> Response:
    asked_at = datetime(2026, 11, 21, 11, 0, 0, tzinfo=UTC)
    return Response(status, headers, b"", asked_at, None if date is None else from_datetime(date))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30.0),
        ("Saturday, 21-Nov-26 12:00:30 GMT", 30.0),
        ("Sat Nov 21 12:00:30 2026", 30.0),
        ("Sat, 21 Nov 2026 13:00:30 +0100", 30.0),
        ("Sat, 21 Nov 2026 11:59:30 GMT", 0.0),
        ("999999999999", LONGEST),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST),
    ],
)
def test_a_value_names_a_number_of_seconds(value: str, expected: float) -> None:
    assert seconds(value, CLOCK) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-1",
        "+5",
        "soon",
        "1e3",
        "٣",
        "5, 6",
        "9" * 400,
        "Sat, 99 Nov 2026 12:00:30 GMT",
        "2026-11-21",
        "GMT",
        ",",
    ],
)
def test_garbage_asks_for_nothing(value: str) -> None:
    assert seconds(value, CLOCK) is None


def test_a_date_is_relative_to_the_clock_of_the_server() -> None:
    asked = response(("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT"))

    assert wait_seconds(asked) == 30.0


def test_a_date_without_a_clock_of_the_server_is_relative_to_ours() -> None:
    asked = response(("retry-after", "Sat, 21 Nov 2026 11:00:30 GMT"), date=None)

    assert wait_seconds(asked) == 30.0


@pytest.mark.parametrize("status", [200, 301, 403, 429, 503])
def test_any_status_may_ask(status: int) -> None:
    assert wait_seconds(response(("retry-after", "5"), status=status)) == 5.0


def test_of_several_the_longest_counts_and_garbage_does_not() -> None:
    asked = response(("retry-after", "5"), ("retry-after", "soon"), ("retry-after", "9"))

    assert wait_seconds(asked) == 9.0


def test_nothing_asked_is_none() -> None:
    assert wait_seconds(response(("date", "Sat, 21 Nov 2026 12:00:30 GMT"))) is None


def test_an_http_date_is_a_position_on_the_second() -> None:
    assert http_date("Sat, 21 Nov 2026 12:00:00 GMT") == CLOCK
    assert http_date("Thu, 01 Jan 1970 00:00:00 -0000") == 0
    assert http_date("yesterday") is None
