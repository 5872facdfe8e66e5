"""A stream's state follows from what was achieved and what the time is, and from nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.core.health import UNHEALTHY, WORST_FIRST, Facts, State, deadlines, judge, worst
from poller.core.runs import Outcome
from poller.schedules.cron import Cron
from poller.schedules.interval import Interval

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FIVE_MINUTES = Interval(5 * MINUTE)

# Polled at noon, every five minutes, a minute of grace: due at 12:05, late after 12:06, given up after 12:11.
DUE, HOPELESS = deadlines(FIVE_MINUTES, NOON, NOON, MINUTE)
FINE = Facts(DUE, HOPELESS, MINUTE, last_drained=NOON, last_outcome=Outcome.OK, moved_at=NOON)
NEW = Facts(DUE, HOPELESS, MINUTE)


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def state(facts: Facts, minutes: float) -> State:
    return judge(facts, at(minutes)).state


def test_a_stream_that_is_left_alone_goes_from_ok_over_late_to_down() -> None:
    states = [state(FINE, minutes) for minutes in (0, 5, 6, 6.01, 11, 11.01, 60 * 24 * 365)]

    assert states == [State.OK, State.OK, State.OK, State.LATE, State.LATE, State.DOWN, State.DOWN]


def test_a_failure_changes_nothing_within_the_grace_and_is_down_after_it() -> None:
    failing = replace(FINE, last_outcome=Outcome.FAILED)

    assert [state(failing, minutes) for minutes in (5.5, 6, 6.01)] == [State.OK, State.OK, State.DOWN]


def test_a_run_that_died_is_a_failure() -> None:
    assert state(replace(FINE, last_outcome=Outcome.KILLED), 6.01) is State.DOWN


def test_a_new_stream_waits_then_reads_then_is_ok() -> None:
    reading = replace(NEW, moved_at=at(59.5), scan_open=True)

    assert state(NEW, 5) is State.NEW
    assert state(reading, 60) is State.NEW
    assert state(replace(FINE, moved_at=at(5)), 5) is State.OK


def test_a_new_stream_that_nobody_polls_is_late_and_then_down() -> None:
    assert [state(NEW, minutes) for minutes in (6.01, 11.01)] == [State.LATE, State.DOWN]


def test_a_new_stream_whose_first_run_fails_is_down_at_once() -> None:
    failing = replace(NEW, last_outcome=Outcome.FAILED, moved_at=NOON)

    assert state(failing, 0.5) is State.DOWN


def test_a_scan_that_takes_long_is_healing_while_pages_come_in_and_late_when_they_stop() -> None:
    reading = replace(FINE, last_outcome=Outcome.PARTIAL, scan_open=True, moved_at=at(8))

    assert [state(reading, minutes) for minutes in (8, 9, 9.01)] == [State.HEALING, State.HEALING, State.LATE]


def test_pages_before_a_failure_are_no_progress() -> None:
    failing = replace(FINE, last_outcome=Outcome.FAILED, moved_at=at(6))

    assert state(failing, 6.5) is State.DOWN


def test_what_is_on_time_and_not_yet_whole_is_healing() -> None:
    assert state(replace(FINE, open_missed=1), 1) is State.HEALING
    assert state(replace(FINE, scan_open=True), 1) is State.HEALING


def test_pause_and_block_come_first_and_block_before_pause() -> None:
    failing = replace(FINE, last_outcome=Outcome.FAILED, paused=True)

    assert state(failing, 60) is State.PAUSED
    assert state(replace(failing, blocked="path changed"), 60) is State.BLOCKED
    assert state(replace(NEW, blocked=""), 0) is State.BLOCKED


@pytest.mark.parametrize(
    ("facts", "minutes", "because"),
    [
        (FINE, 1, "the next poll is due at 2026-11-21T12:05:00Z"),
        (FINE, 7, "a poll was due 2m ago, 1m is allowed"),
        (FINE, 20, "last read to its end 20m ago; nothing was polled since"),
        (NEW, 1, "waits for its first poll"),
        (replace(NEW, moved_at=at(1)), 1, "is being read for the first time"),
        (NEW, 20, "never read to its end; no run has ended"),
        (replace(NEW, last_outcome=Outcome.FAILED), 1, "never read to its end; the last run failed"),
        (replace(FINE, moved_at=at(9)), 9, "4m behind, and pages are coming in"),
        (replace(FINE, open_missed=42), 1, "missed polls not yet covered: 42"),
        (replace(FINE, scan_open=True), 1, "a scan is not at its end yet"),
        (replace(FINE, paused=True), 1, "paused by hand"),
        (replace(FINE, blocked="path changed"), 1, "waits for a decision: path changed"),
    ],
)
def test_every_state_says_why(facts: Facts, minutes: float, because: str) -> None:
    assert judge(facts, at(minutes)).because == because


def test_nobody_is_given_up_before_the_grace_of_a_second_slot_or_twice_the_grace() -> None:
    nightly = Cron("0 2 * * *")

    assert deadlines(FIVE_MINUTES, NOON, NOON, MINUTE) == (at(5), at(11))
    assert deadlines(FIVE_MINUTES, NOON, NOON, 30 * MINUTE) == (at(5), at(65))
    assert deadlines(nightly, NOON, NOON, MINUTE)[1] == datetime(2026, 11, 23, 2, 1, tzinfo=UTC)


def test_after_the_clock_went_back_polls_are_expected_from_now_on() -> None:
    assert deadlines(FIVE_MINUTES, at(60), NOON, MINUTE) == (at(5), at(11))


def test_a_source_is_as_bad_as_its_worst_stream() -> None:
    assert worst([State.OK, State.LATE, State.DOWN, State.PAUSED]) is State.DOWN
    assert worst([State.OK, State.PAUSED]) is State.PAUSED
    assert worst([]) is State.NEW
    assert set(WORST_FIRST) == set(State)
    assert set(WORST_FIRST[: len(UNHEALTHY)]) == UNHEALTHY


moments = st.none() | st.integers(-600, 600).map(at)
facts = st.builds(
    Facts,
    due=st.integers(-60, 60).map(at),
    hopeless_after=st.integers(-60, 120).map(at),
    grace=st.timedeltas(timedelta(0), timedelta(hours=1)),
    last_drained=moments,
    last_outcome=st.none() | st.sampled_from(Outcome),
    moved_at=moments,
    open_missed=st.integers(0, 3),
    scan_open=st.booleans(),
    paused=st.booleans(),
    blocked=st.none() | st.just("lost token"),
)


@given(facts)
def test_only_a_stream_on_time_with_nothing_open_is_ok(given_facts: Facts) -> None:
    health = judge(given_facts, NOON)

    on_time = given_facts.due + given_facts.grace >= NOON
    whole = given_facts.open_missed == 0 and not given_facts.scan_open
    told = given_facts.paused or given_facts.blocked is not None
    read = given_facts.last_drained is not None
    assert (health.state is State.OK) == (on_time and whole and not told and read)
    assert health.because
