"""The guard against paging in circles sees every cycle, and never a page that is new."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from poller.core.paging import Guard


def pages_until_seen(marks: list[str]) -> int | None:
    """How many pages were read when the guard objected; None when it never did."""
    guard: Guard | None = Guard()
    for number, mark in enumerate(marks, start=1):
        assert guard is not None
        guard = guard.after(mark)
        if guard is None:
            return number
    return None


def test_a_page_that_repeats_itself_is_seen_at_once() -> None:
    assert pages_until_seen(["a", "a"]) == 2


def test_the_empty_text_is_a_mark_like_any_other() -> None:
    assert pages_until_seen(["", ""]) == 2
    assert pages_until_seen(["", "a", "b"]) is None


def test_two_pages_that_take_turns_are_seen() -> None:
    assert pages_until_seen(["a", "b"] * 10) is not None


@given(st.lists(st.text(), unique=True, max_size=200))
def test_pages_that_all_differ_are_never_stopped(marks: list[str]) -> None:
    assert pages_until_seen(marks) is None


@given(lead=st.integers(0, 60), length=st.integers(1, 60))
def test_every_cycle_is_seen_within_a_few_times_its_length(lead: int, length: int) -> None:
    entry = [f"lead {number}" for number in range(lead)]
    cycle = [f"cycle {number}" for number in range(length)]

    seen = pages_until_seen(entry + cycle * (lead + 10))

    assert seen is not None
    assert lead + length < seen <= 4 * (lead + length) + 4


@given(st.lists(st.sampled_from("abc"), max_size=12))
def test_a_guard_that_was_stored_and_read_again_goes_on_where_it_stood(marks: list[str]) -> None:
    whole: Guard | None = Guard()
    resumed: Guard | None = Guard()

    for mark in marks:
        if whole is None or resumed is None:
            break
        whole = whole.after(mark)
        resumed = Guard(**dataclasses.asdict(resumed)).after(mark)

    assert whole == resumed
