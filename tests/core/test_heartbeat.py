"""Two clocks tell a process that stood still from a clock that was set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from poller.core.heartbeat import REMEMBERED, Beat, Pulse, first_beat, heard, noted
from poller.core.ledger import Account, Lapse, Missed, Reason, settle
from poller.schedules.interval import Interval

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PATIENCE = 5 * SECOND
START = first_beat(Beat(NOON, timedelta(days=9)))


def beats(pulse: Pulse, *, wall: timedelta, steady: timedelta) -> Pulse:
    """One more beat, so much later on either clock."""
    newest = pulse.newest
    return heard(pulse, Beat(newest.wall + wall, newest.steady + steady), PATIENCE)


def test_regular_beats_leave_nothing_behind() -> None:
    pulse = START
    for _ in range(10):
        pulse = beats(pulse, wall=SECOND, steady=SECOND)

    assert pulse.lapses == ()
    assert pulse.newest.wall == NOON + 10 * SECOND
    assert pulse.up_since == NOON


@pytest.mark.parametrize(
    ("wall", "steady", "lapses"),
    [
        (MINUTE, MINUTE, [Lapse(NOON, NOON + MINUTE, Reason.SUSPENDED)]),
        (PATIENCE, PATIENCE, []),
        (HOUR + SECOND, SECOND, [Lapse(NOON + SECOND, NOON + HOUR + SECOND, Reason.CLOCK)]),
        (1.9 * SECOND, SECOND, []),
        (2 * SECOND, SECOND, [Lapse(NOON + SECOND, NOON + 2 * SECOND, Reason.CLOCK)]),
        (-HOUR, SECOND, []),
        (
            HOUR,
            MINUTE,
            [
                Lapse(NOON, NOON + MINUTE, Reason.SUSPENDED),
                Lapse(NOON + MINUTE, NOON + HOUR, Reason.CLOCK),
            ],
        ),
        (-HOUR, MINUTE, [Lapse(NOON, NOON + MINUTE, Reason.SUSPENDED)]),
    ],
)
def test_silence_is_a_standstill_and_parting_clocks_are_a_step(
    wall: timedelta, steady: timedelta, lapses: list[Lapse]
) -> None:
    assert list(beats(START, wall=wall, steady=steady).lapses) == lapses


def test_what_others_know_is_noted_beside_it() -> None:
    hold = Lapse(NOON, NOON + MINUTE, Reason.RATE_LIMITED)

    assert noted(START, hold).lapses == (hold,)


def test_only_the_newest_lapses_are_remembered() -> None:
    pulse = START
    for _ in range(REMEMBERED + 5):
        pulse = beats(pulse, wall=MINUTE, steady=MINUTE)

    assert len(pulse.lapses) == REMEMBERED
    assert pulse.lapses[-1].end == pulse.newest.wall
    assert len(noted(pulse, pulse.lapses[0]).lapses) == REMEMBERED


def test_the_ledger_reads_a_day_of_accidents_from_the_pulse() -> None:
    each_second = Interval(SECOND)
    account = Account(NOON, each_second.fingerprint)
    pulse = beats(START, wall=MINUTE, steady=MINUTE)
    pulse = beats(pulse, wall=HOUR + SECOND, steady=SECOND)

    settled = settle(each_second, account, pulse.newest.wall, pulse.liveness(busy_until=NOON))

    after_stop, after_beat = NOON + MINUTE, NOON + MINUTE + SECOND
    assert settled.missed == (
        Missed(NOON + SECOND, after_stop - SECOND, 59, Reason.SUSPENDED),
        Missed(after_stop, after_stop, 1, Reason.OVERRUN),
        Missed(after_beat, after_beat + HOUR - SECOND, 3600, Reason.CLOCK),
    )
    assert settled.own == after_beat + HOUR
