"""Blocks of permits: what they still allow, when more come free, and how old they certainly are."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from poller.core.model import Window
from poller.core.permits import (
    FINENESS,
    LARGEST,
    REMEMBERED,
    Spent,
    Tick,
    age,
    free,
    groups,
    largest_block,
    memory_of,
    span,
    wait,
)

TEN = Window(10, timedelta(seconds=60))
SPAN = span(TEN)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def opened(permits: int) -> Spent:
    return Spent(permits, 0.0, is_open=True)


def test_a_permit_counts_for_a_little_longer_than_its_window() -> None:
    assert 60.05 < SPAN < 60.2
    assert span(Window(1, timedelta(days=1))) - 86_400 > 60


def test_what_is_over_counts_until_its_window_has_passed() -> None:
    assert free([TEN], [Spent(4, SPAN - 0.001), Spent(3, SPAN), Spent(2, 0.0)]) == 4


def test_what_is_open_counts_whatever_its_age() -> None:
    assert free([TEN], [opened(7), Spent(1, 1e9)]) == 3


def test_the_strictest_of_several_windows_decides() -> None:
    day = Window(12, timedelta(days=1))
    spent = [Spent(8, 3_600.0), Spent(3, 1.0)]

    assert free([TEN], spent) == 7
    assert free([TEN, day], spent) == 1
    assert wait([TEN, day], [*spent, opened(1)]) == pytest.approx(span(day) - 3_600)


def test_nothing_is_to_wait_for_while_something_is_free() -> None:
    assert wait([TEN], [Spent(9, 0.0)]) == 0.0


def test_the_oldest_come_free_first_and_as_a_block() -> None:
    spent = [Spent(3, 10.0), Spent(4, 50.0), Spent(3, 30.0)]

    assert wait([TEN], spent) == pytest.approx(SPAN - 50)
    assert wait([TEN], [*spent, Spent(4, 20.0)]) == pytest.approx(SPAN - 30)


def test_a_lower_limit_than_the_one_before_waits_for_as_many_as_are_too_many() -> None:
    spent = [Spent(5, 50.0), Spent(5, 40.0), Spent(5, 30.0)]

    assert free([Window(4, TEN.per)], spent) == -11
    assert wait([Window(4, TEN.per)], spent) == pytest.approx(SPAN - 30)


def test_nobody_can_tell_when_an_open_block_is_over() -> None:
    assert wait([TEN], [opened(10), Spent(1, 59.0)]) == math.inf


def test_a_block_is_a_small_part_of_the_smallest_rate_and_at_least_one_permit() -> None:
    assert largest_block([Window(2, timedelta(seconds=1))]) == 1
    assert largest_block([Window(1000, timedelta(minutes=1))]) == 50
    assert largest_block([Window(40, timedelta(seconds=1)), Window(1000, timedelta(minutes=1))]) == 2
    assert largest_block([Window(10**6, timedelta(minutes=1))]) == LARGEST


def test_permits_are_remembered_for_a_day_or_the_longest_window() -> None:
    week = Window(5, timedelta(days=7))

    assert memory_of([TEN]) == REMEMBERED
    assert memory_of([TEN, week]) == span(week)


def test_within_a_boot_the_wall_clock_is_not_asked() -> None:
    end, here = Tick("b1", 100.0), Tick("b1", 130.0)

    for wall in (NOON - timedelta(days=1), NOON + timedelta(days=1)):
        assert age(end, NOON, here, wall, is_open=False) == 30.0
    assert age(Tick("b1", 150.0), NOON, here, NOON, is_open=True) == -20.0
    assert age(Tick("b1", 131.0), NOON, here, NOON, is_open=False) == -1.0


def test_after_another_boot_nothing_is_older_than_this_boot() -> None:
    end, here = Tick("b1", 100.0), Tick("b2", 50.0)

    assert age(end, NOON, here, NOON + timedelta(seconds=20), is_open=False) == 20.0
    assert age(end, NOON, here, NOON + timedelta(days=20), is_open=False) == 50.0
    assert age(end, NOON, here, NOON - timedelta(days=20), is_open=False) == 0.0
    assert age(end, NOON, here, NOON - timedelta(seconds=9), is_open=True) == -9.0


def test_a_machine_without_names_for_its_boots_is_believed_on_the_safe_side() -> None:
    here = Tick("", 50.0)

    assert age(Tick("", 40.0), NOON, here, NOON + timedelta(days=1), is_open=False) == 10.0
    assert age(Tick("", 90.0), NOON, here, NOON + timedelta(days=1), is_open=False) == 50.0
    assert age(Tick("", 90.0), NOON, here, NOON + timedelta(days=1), is_open=True) == -40.0


@given(some.lists(some.floats(0.001, 90_000.0), max_size=200))
def test_blocks_become_one_only_with_others_of_nearly_their_age(ages: list[float]) -> None:
    made = groups(ages)

    assert sorted(index for group in made for index in group) == list(range(len(ages)))
    for group in made:
        youngest = ages[group[0]]
        assert youngest == min(ages[index] for index in group)
        assert max(ages[index] for index in group) <= youngest * (1 + 1 / FINENESS)
    assert len(made) <= math.log(9e7) * (FINENESS + 1) + 1


@given(
    some.lists(
        some.tuples(some.integers(1, 5), some.floats(0.0, 120.0), some.booleans()), min_size=1, max_size=20
    )
)
def test_after_the_wait_a_permit_is_free_and_before_it_none_is(blocks: list[tuple[int, float, bool]]) -> None:
    spent = [Spent(*block) for block in blocks]
    seconds = wait([TEN], spent)

    def later(passed: float) -> list[Spent]:
        return [each if each.is_open else Spent(each.permits, each.age + passed) for each in spent]

    if math.isinf(seconds):
        assert sum(each.permits for each in spent if each.is_open) >= 10
        return
    assert free([TEN], later(seconds + 1e-6)) >= 1
    assert seconds == 0 or free([TEN], later(seconds - 1e-6)) < 1
