"""What every schedule must be, run over all that are found: a new file is tested unasked."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.core.schedule import Schedule
from poller.schedules import kinds, parse

MICROSECOND = timedelta(microseconds=1)
EXAMPLES = [(name, text) for name, kind in kinds().items() for text in vars(kind)["examples"]]

moments = st.integers(0, 36_525 * 86_400_000_000).map(
    lambda micros: datetime(1990, 1, 1, tzinfo=UTC) + MICROSECOND * micros
)


def listed(schedule: Schedule, after: datetime, through: datetime) -> list[datetime]:
    """The slots in ``(after, through]`` one by one: what arithmetic has to agree with."""
    found = []
    slot = schedule.next(after)
    while slot <= through:
        found.append(slot)
        slot = schedule.next(slot)
    return found


def test_every_file_is_a_kind() -> None:
    assert set(kinds()) >= {"interval", "cron"}


@pytest.mark.parametrize("kind", kinds().values(), ids=list(kinds()))
def test_a_kind_is_a_frozen_dataclass_whose_options_are_documented(kind: type) -> None:
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert all(option.metadata["doc"] for option in dataclasses.fields(kind))
    assert kind.__doc__
    assert vars(kind)["form"]


@pytest.mark.parametrize(("name", "text"), EXAMPLES)
def test_an_example_is_read_as_its_own_kind(name: str, text: str) -> None:
    schedule = parse(text, None, "source.stream")

    assert isinstance(schedule, kinds()[name])
    assert schedule == parse(text, None, "source.stream")
    assert hash(schedule) == hash(parse(text, None, "source.stream"))


@pytest.mark.parametrize(("name", "text"), EXAMPLES)
@given(moment=moments)
def test_next_and_latest_are_neighbours_with_nothing_between_them(
    name: str, text: str, moment: datetime
) -> None:
    schedule = parse(text, None, f"source.{name}")

    before, after = schedule.latest(moment), schedule.next(moment)

    assert before <= moment < after
    assert schedule.next(before) == after
    assert schedule.latest(after) == after
    assert schedule.latest(after - MICROSECOND) == before
    assert schedule.count(before, after - MICROSECOND) == 0
    assert schedule.count(before - MICROSECOND, after) == 2
    assert before.tzinfo is UTC
    assert after.tzinfo is UTC


@pytest.mark.parametrize(("name", "text"), EXAMPLES)
@given(moment=moments, steps=st.integers(0, 40), extra=st.timedeltas(timedelta(0), timedelta(hours=2)))
def test_counting_agrees_with_listing(
    name: str, text: str, moment: datetime, steps: int, extra: timedelta
) -> None:
    schedule = parse(text, None, f"source.{name}")
    through = moment
    for _ in range(steps):
        through = schedule.next(through)
    through += min(extra, (schedule.next(through) - through) * 3)

    slots = listed(schedule, moment, through)

    assert schedule.count(moment, through) == len(slots)
    assert schedule.latest(through) == (slots[-1] if slots else schedule.latest(moment))


@pytest.mark.parametrize(("name", "text"), EXAMPLES)
@given(first=moments, second=moments, third=moments)
def test_counts_add_up_over_any_cut(
    name: str, text: str, first: datetime, second: datetime, third: datetime
) -> None:
    schedule = parse(text, None, f"source.{name}")
    low, middle, high = sorted([first, second, third])

    whole = schedule.count(low, high)

    assert whole == schedule.count(low, middle) + schedule.count(middle, high)
    assert schedule.count(high, low) == 0


@pytest.mark.parametrize(("name", "text"), EXAMPLES)
def test_a_naive_moment_is_refused(name: str, text: str) -> None:
    schedule = parse(text, None, f"source.{name}")

    with pytest.raises(TypeError):
        schedule.next(datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_fingerprint_is_the_grid() -> None:
    prints = [parse(text, None, None).fingerprint for _, text in EXAMPLES]

    assert len(set(prints)) == len(prints)
    assert parse("60m", None, None).fingerprint == parse("1h", None, None).fingerprint
    assert parse("@daily", None, None).fingerprint == parse("0 0 * * *", "UTC", None).fingerprint
    assert parse("0 0 * * 0", None, None).fingerprint == parse("0 0 * * SUN", None, None).fingerprint
    assert parse("@daily", "Europe/Oslo", None).fingerprint != parse("@daily", None, None).fingerprint
    assert parse("1h", None, "a.b").fingerprint != parse("1h", None, "a.c").fingerprint


@pytest.mark.parametrize("text", ["x", "", "every 5m", "five minutes past", "L", "* *", "5 m m", "30"])
def test_what_is_no_schedule_is_refused_with_the_allowed_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|write five"):
        parse(text, None, None)
