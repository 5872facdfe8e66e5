"""Every slot gets exactly one outcome, whatever process, clock and schedule do meanwhile."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.core.errors import Category
from poller.core.ledger import (
    Account,
    Lapse,
    Liveness,
    Missed,
    Reason,
    Settlement,
    close_older,
    merge,
    next_due,
    pass_over,
    settle,
    verdict_on,
)
from poller.core.runs import Outcome, RunOutcome
from poller.core.schedule import Schedule
from poller.schedules.cron import Cron
from poller.schedules.interval import Interval

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
EACH_MINUTE = Interval(MINUTE)
UP_FOR_EVER = Liveness(up_since=NOON - 1000 * HOUR, awake_since=NOON - 1000 * HOUR)


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + minutes * MINUTE


def books(last: datetime | None, schedule: Schedule = EACH_MINUTE) -> Account:
    """Books of that schedule, kept up to ``last``."""
    return Account(last, schedule.fingerprint)


# --- who owns a slot -----------------------------------------------------------------------


def test_a_run_on_time_owns_its_slot_and_nothing_is_missed() -> None:
    settled = settle(EACH_MINUTE, books(at(0)), at(1) + SECOND, UP_FOR_EVER)

    assert settled == Settlement(own=at(1), missed=(), account=books(at(1)))


def test_a_new_stream_owns_the_newest_slot_and_has_missed_nothing() -> None:
    settled = settle(EACH_MINUTE, Account(None, None), at(0.5), UP_FOR_EVER)

    assert settled == Settlement(own=at(0), missed=(), account=books(at(0)))


def test_a_second_run_within_one_slot_owns_none() -> None:
    settled = settle(EACH_MINUTE, books(at(1)), at(1.9), UP_FOR_EVER)

    assert settled == Settlement(own=None, missed=(), account=books(at(1)))


def test_a_changed_schedule_counts_from_the_change() -> None:
    hourly = books(at(0) - HOUR, Interval(HOUR))

    settled = settle(EACH_MINUTE, hourly, at(30.5), UP_FOR_EVER)

    assert settled == Settlement(own=at(30), missed=(), account=books(at(30)))


def test_a_changed_schedule_gives_no_instant_out_twice() -> None:
    hourly = Interval(HOUR)

    settled = settle(hourly, books(at(0)), at(30), UP_FOR_EVER)

    assert settled == Settlement(own=None, missed=(), account=books(at(0), hourly))
    assert settle(hourly, settled.account, at(60), UP_FOR_EVER).own == at(60)


def test_a_clock_that_went_back_counts_nothing_twice() -> None:
    account = books(at(60))

    for minutes in (0.0, 30.5, 60.0):
        settled = settle(EACH_MINUTE, account, at(minutes), UP_FOR_EVER)
        assert settled == Settlement(own=None, missed=(), account=account)
    assert settle(EACH_MINUTE, account, at(61), UP_FOR_EVER) == Settlement(at(61), (), books(at(61)))


# --- why older slots went by ---------------------------------------------------------------


def test_slots_before_the_process_was_up_are_down() -> None:
    liveness = Liveness(up_since=at(10.5), awake_since=at(10.5))

    settled = settle(EACH_MINUTE, books(at(0)), at(10.6), liveness)

    assert settled.own == at(10)
    assert settled.missed == (Missed(at(1), at(9), 9, Reason.DOWN),)


def test_slots_without_a_heartbeat_are_suspended() -> None:
    liveness = Liveness(up_since=at(-60), awake_since=at(10.5))

    settled = settle(EACH_MINUTE, books(at(0)), at(10.6), liveness)

    assert settled.missed == (Missed(at(1), at(9), 9, Reason.SUSPENDED),)


def test_slots_during_the_streams_own_run_are_overrun() -> None:
    liveness = Liveness(up_since=at(-60), awake_since=at(-60), busy_until=at(3.5))

    settled = settle(EACH_MINUTE, books(at(0)), at(3.5), liveness)

    assert settled == Settlement(at(3), (Missed(at(1), at(2), 2, Reason.OVERRUN),), books(at(3)))


def test_slots_that_nobody_came_for_in_time_are_overrun_and_never_guessed_to_be_the_clock() -> None:
    settled = settle(EACH_MINUTE, books(at(0)), at(5), UP_FOR_EVER)

    assert settled.missed == (Missed(at(1), at(4), 4, Reason.OVERRUN),)


@pytest.mark.parametrize("reason", [Reason.CLOCK, Reason.SUSPENDED, Reason.RATE_LIMITED, Reason.DOWN])
def test_a_known_lapse_gives_its_own_reason_from_its_start_to_before_its_end(reason: Reason) -> None:
    liveness = Liveness(at(-60), at(-60), lapses=(Lapse(at(3), at(6), reason),))

    settled = settle(EACH_MINUTE, books(at(0)), at(9), liveness)

    assert settled.missed == (
        Missed(at(1), at(2), 2, Reason.OVERRUN),
        Missed(at(3), at(5), 3, reason),
        Missed(at(6), at(8), 3, Reason.OVERRUN),
    )


def test_a_run_that_stood_still_was_suspended_and_one_that_waited_was_busy() -> None:
    stopped = Lapse(at(3), at(6), Reason.SUSPENDED)
    held = Lapse(at(5), at(12), Reason.RATE_LIMITED)
    liveness = Liveness(at(-60), at(6), busy_until=at(9), lapses=(stopped, held))

    settled = settle(EACH_MINUTE, books(at(0)), at(15), liveness)

    assert settled.missed == (
        Missed(at(1), at(2), 2, Reason.OVERRUN),
        Missed(at(3), at(5), 3, Reason.SUSPENDED),
        Missed(at(6), at(8), 3, Reason.OVERRUN),
        Missed(at(9), at(11), 3, Reason.RATE_LIMITED),
        Missed(at(12), at(14), 3, Reason.OVERRUN),
    )


def test_time_that_never_passed_is_the_clocks_even_during_a_run_or_a_standstill() -> None:
    jumped = Lapse(at(2), at(4), Reason.CLOCK)
    stopped = Lapse(at(3), at(6), Reason.SUSPENDED)
    liveness = Liveness(at(-60), at(-60), busy_until=at(7), lapses=(stopped, jumped))

    settled = settle(EACH_MINUTE, books(at(0)), at(7), liveness)

    assert settled.missed == (
        Missed(at(1), at(1), 1, Reason.OVERRUN),
        Missed(at(2), at(3), 2, Reason.CLOCK),
        Missed(at(4), at(5), 2, Reason.SUSPENDED),
        Missed(at(6), at(6), 1, Reason.OVERRUN),
    )


def test_down_then_suspended_then_overrun_are_three_stretches() -> None:
    liveness = Liveness(up_since=at(3), awake_since=at(6), busy_until=at(8))

    settled = settle(EACH_MINUTE, books(at(0)), at(10), liveness)

    assert settled.missed == (
        Missed(at(1), at(2), 2, Reason.DOWN),
        Missed(at(3), at(5), 3, Reason.SUSPENDED),
        Missed(at(6), at(9), 4, Reason.OVERRUN),
    )


def test_turning_points_between_two_slots_leave_no_empty_stretch() -> None:
    lapses = (Lapse(at(2.1), at(2.2), Reason.CLOCK), Lapse(at(2.3), at(2.4), Reason.SUSPENDED))
    liveness = Liveness(at(-60), at(-60), lapses=lapses)

    settled = settle(EACH_MINUTE, books(at(0)), at(4), liveness)

    assert settled.missed == (Missed(at(1), at(3), 3, Reason.OVERRUN),)


def test_a_month_down_at_one_slot_per_second_is_one_row_and_takes_no_time() -> None:
    each_second = Interval(SECOND)
    now = NOON + timedelta(days=30)
    began = process_time()

    settled = settle(each_second, books(NOON, each_second), now, Liveness(now, now))

    assert process_time() - began < 0.01
    assert settled.missed == (Missed(NOON + SECOND, now - SECOND, 30 * 86400 - 1, Reason.DOWN),)


# --- streams that cannot or may not run ----------------------------------------------------


def test_while_a_run_goes_on_all_but_the_newest_slot_are_settled() -> None:
    liveness = Liveness(at(-60), at(-60), busy_until=at(3.5))

    closed = close_older(EACH_MINUTE, books(at(0)), at(3.5), liveness)

    assert closed == Settlement(None, (Missed(at(1), at(2), 2, Reason.OVERRUN),), books(at(2)))
    assert close_older(EACH_MINUTE, closed.account, at(3.6), liveness) == Settlement(None, (), books(at(2)))
    assert settle(EACH_MINUTE, closed.account, at(3.7), liveness) == Settlement(at(3), (), books(at(3)))


def test_while_it_waits_for_a_free_worker_the_books_of_a_new_stream_begin_with_the_open_slot() -> None:
    closed = close_older(EACH_MINUTE, Account(None, None), at(0.5), UP_FOR_EVER)

    settled = settle(EACH_MINUTE, closed.account, at(2), UP_FOR_EVER)

    assert closed == Settlement(None, (), books(at(-1)))
    assert settled == Settlement(at(2), (Missed(at(0), at(1), 2, Reason.OVERRUN),), books(at(2)))


def test_closing_never_moves_the_books_back() -> None:
    assert close_older(EACH_MINUTE, books(at(1)), at(1.5), UP_FOR_EVER) == Settlement(None, (), books(at(1)))
    assert close_older(EACH_MINUTE, books(at(0.5)), at(1), UP_FOR_EVER) == Settlement(
        None, (), books(at(0.5))
    )


@pytest.mark.parametrize("reason", [Reason.PAUSED, Reason.SETTINGS])
def test_a_stream_that_may_not_run_has_all_its_slots_settled_with_that_reason(reason: Reason) -> None:
    settled = pass_over(EACH_MINUTE, books(at(0)), at(3), reason)

    assert settled == Settlement(None, (Missed(at(1), at(3), 3, reason),), books(at(3)))
    assert pass_over(EACH_MINUTE, settled.account, at(3.9), reason) == Settlement(None, (), books(at(3)))


def test_a_stream_that_is_paused_from_the_start_or_anew_has_missed_nothing_yet() -> None:
    hourly = Interval(HOUR)

    assert pass_over(EACH_MINUTE, Account(None, None), at(3), Reason.PAUSED) == Settlement(
        None, (), books(at(3))
    )
    assert pass_over(EACH_MINUTE, books(at(0), hourly), at(3), Reason.PAUSED).missed == ()


def test_a_stream_is_due_now_while_a_slot_is_open_and_else_at_the_next_one() -> None:
    assert next_due(EACH_MINUTE, Account(None, None), at(0.5)) == at(0.5)
    assert next_due(EACH_MINUTE, books(at(0)), at(1.5)) == at(1.5)
    assert next_due(EACH_MINUTE, books(at(1)), at(1.5)) == at(2)


def test_polling_goes_on_after_the_clock_went_back() -> None:
    assert next_due(EACH_MINUTE, books(at(60)), at(1.5)) == at(2)


# --- how a run's end settles its slot ------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (RunOutcome(Outcome.FAILED), Reason.FAILED),
        (RunOutcome(Outcome.FAILED, Category.SERVER), Reason.FAILED),
        (RunOutcome(Outcome.FAILED, Category.UNREACHABLE), Reason.UNREACHABLE),
        (RunOutcome(Outcome.FAILED, Category.RATE_LIMITED), Reason.RATE_LIMITED),
        (RunOutcome(Outcome.KILLED), Reason.KILLED),
        (RunOutcome(Outcome.STOPPED), Reason.DOWN),
    ],
)
def test_a_run_without_success_leaves_its_slot_missed(run: RunOutcome, reason: Reason) -> None:
    assert verdict_on(at(0), run) == Missed(at(0), at(0), 1, reason)


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.PARTIAL])
def test_a_run_that_made_progress_makes_its_slot_ok(outcome: Outcome) -> None:
    assert verdict_on(at(0), RunOutcome(outcome)) is None


def test_every_outcome_is_known_to_the_ledger() -> None:
    settled = {outcome: verdict_on(at(0), RunOutcome(outcome)) for outcome in Outcome}

    assert {outcome for outcome, missed in settled.items() if missed is None} == {Outcome.OK, Outcome.PARTIAL}


def test_a_row_grows_by_the_very_next_slot_of_its_reason() -> None:
    row = Missed(at(0), at(4), 5, Reason.FAILED)

    assert merge(EACH_MINUTE, row, Missed(at(5), at(6), 2, Reason.FAILED)) == Missed(
        at(0), at(6), 7, Reason.FAILED
    )
    assert merge(EACH_MINUTE, row, Missed(at(6), at(6), 1, Reason.FAILED)) is None
    assert merge(EACH_MINUTE, row, Missed(at(5), at(6), 2, Reason.DOWN)) is None


# --- the invariant, against every accident -------------------------------------------------


@dataclass
class Daemon:
    """A stream's life in virtual time, with a ledger that is written down slot by slot."""

    schedule: Schedule
    now: datetime
    account: Account = field(default_factory=lambda: Account(None, None))
    outcomes: Counter[datetime] = field(default_factory=Counter)
    rows: list[Missed] = field(default_factory=list)
    owned: int = 0
    up_since: datetime = NOON
    busy_until: datetime | None = None
    lapses: tuple[Lapse, ...] = ()

    def __post_init__(self) -> None:
        self.up_since = self.now
        self.began = self.schedule.latest(self.now)

    @property
    def liveness(self) -> Liveness:
        return Liveness(self.up_since, self.up_since, self.busy_until, self.lapses)

    def poll(self, span: timedelta) -> None:
        """A run that takes that long, with the watchdog looking at it half-way."""
        self._book(settle(self.schedule, self.account, self.now, self.liveness))
        self.now += span / 2
        self.busy_until = self.now
        self._book(close_older(self.schedule, self.account, self.now, self.liveness))
        self.now += span / 2
        self.busy_until = self.now

    def idle(self, span: timedelta) -> None:
        self.now += span

    def stop(self, span: timedelta) -> None:
        self.now += span
        self.up_since, self.busy_until, self.lapses = self.now, None, ()

    def suspend(self, span: timedelta) -> None:
        self._lapse(span, Reason.SUSPENDED)

    def jump(self, span: timedelta) -> None:
        self._lapse(span, Reason.CLOCK)

    def go_back(self, span: timedelta) -> None:
        self.now -= span

    def pause(self, span: timedelta) -> None:
        self.now += span
        self._book(pass_over(self.schedule, self.account, self.now, Reason.PAUSED))

    def _lapse(self, span: timedelta, reason: Reason) -> None:
        self.lapses = (*self.lapses, Lapse(self.now, self.now + span, reason))
        self.now += span

    def _book(self, settled: Settlement) -> None:
        if settled.own is not None:
            self.owned += 1
            self.outcomes[settled.own] += 1
        for missed in settled.missed:
            self.rows.append(missed)
            self._write_out(missed)
        self.account = settled.account

    def _write_out(self, missed: Missed) -> None:
        slot, last = missed.first, missed.first
        for _ in range(missed.count):
            self.outcomes[slot] += 1
            slot, last = self.schedule.next(slot), slot
        assert last == missed.last


SCHEDULES: list[Schedule] = [
    Interval(timedelta(minutes=7), timedelta(seconds=11.5)),
    Interval(timedelta(hours=1)),
    Cron("*/10 * * * *", "Europe/Oslo"),
    Cron("15,45 0-5 * * *", "Australia/Lord_Howe"),
    Cron("30 2 * * *", "America/New_York"),
]
ACTIONS = ["poll", "idle", "stop", "suspend", "jump", "go_back", "pause"]
spans = st.one_of(
    st.timedeltas(timedelta(0), timedelta(minutes=20)), st.timedeltas(timedelta(0), timedelta(days=2))
)


@given(
    schedule=st.sampled_from(SCHEDULES),
    start=st.sampled_from(
        [NOON, datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 3, 7, 22, tzinfo=UTC)]
    ),
    story=st.lists(st.tuples(st.sampled_from(ACTIONS), spans), max_size=25),
)
def test_every_slot_has_exactly_one_outcome_and_their_sum_is_the_arithmetic_count(
    schedule: Schedule, start: datetime, story: list[tuple[str, timedelta]]
) -> None:
    daemon = Daemon(schedule, start)
    latest_seen = start

    for action, span in [("poll", SECOND), *story, ("poll", SECOND)]:
        getattr(daemon, action)(span)
        latest_seen = max(latest_seen, daemon.now)

    before = daemon.began - timedelta(microseconds=1)
    assert daemon.account.last is not None
    assert set(daemon.outcomes.values()) == {1}
    assert daemon.owned + sum(row.count for row in daemon.rows) == schedule.count(before, daemon.account.last)
    assert len(daemon.outcomes) == schedule.count(before, daemon.account.last)
    assert daemon.account.last <= latest_seen


@given(
    schedule=st.sampled_from(SCHEDULES),
    after=st.timedeltas(timedelta(0), timedelta(days=3)),
    cuts=st.lists(st.timedeltas(timedelta(0), timedelta(days=3)), min_size=8, max_size=8),
)
def test_each_slot_gets_the_reason_that_held_at_its_own_instant(
    schedule: Schedule, after: timedelta, cuts: list[timedelta]
) -> None:
    up, awake, busy, *ends = sorted(NOON + cut for cut in cuts)
    lapses = (Lapse(ends[0], ends[1], Reason.CLOCK), Lapse(ends[2], ends[3], Reason.RATE_LIMITED))
    account, now = books(NOON - HOUR, schedule), NOON + after
    liveness = Liveness(up, awake, busy, lapses)

    whole = settle(schedule, account, now, liveness)

    slots = [row.first for row in whole.missed] + [row.last for row in whole.missed]
    assert [row.reason for row in whole.missed] * 2 == [expected(slot, liveness) for slot in slots]
    assert all(one.reason is not two.reason for one, two in zip(whole.missed, whole.missed[1:], strict=False))


def expected(slot: datetime, liveness: Liveness) -> Reason:
    """The page of theory once more, for lapses that do not overlap and lie after the last run."""
    if slot < liveness.up_since:
        return Reason.DOWN
    if slot < liveness.awake_since:
        return Reason.SUSPENDED
    return next((lapse.reason for lapse in liveness.lapses if slot in lapse), Reason.OVERRUN)
