"""Runs, slots, healing and folding, as the engine meets them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from poller.core.errors import Category, Fenced, StoreError
from poller.core.ledger import Liveness, Reason
from poller.core.runs import Outcome, RunKind, RunOutcome
from poller.core.steps import Finish, Notice, NoticeKind
from poller.store.memory import Memory
from tests.store.world import ISSUES, MINUTE, NOON, World, at, attempt, checkpoint, issue, owner, text_at

MISSED = "SELECT first_slot, last_slot, slots, reason, healed_by FROM poller_missed_polls ORDER BY id"


def slot(minutes: int) -> str:
    return (NOON + minutes * MINUTE).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_a_scheduled_run_owns_its_slot_and_a_manual_one_none(world: World) -> None:
    scheduled, manual = world.begin(), world.begin(RunKind.MANUAL)

    assert scheduled.slot == NOON + MINUTE
    assert manual.slot is None
    assert world.rows("SELECT last_slot FROM poller_streams") == [(slot(1),)]


def test_failures_in_a_row_are_one_stretch_and_the_next_drained_run_heals_it(world: World) -> None:
    world.poll()
    world.failed_poll()
    world.failed_poll()
    world.failed_poll(RunOutcome(Outcome.FAILED, Category.UNREACHABLE))
    assert world.rows(MISSED) == [
        (slot(2), slot(3), 2, "failed", None),
        (slot(4), slot(4), 1, "unreachable", None),
    ]

    world.poll()

    assert [healed for *_, healed in world.rows(MISSED)] == [5, 5]
    assert world.rows("SELECT healed FROM poller_runs WHERE id = 5") == [(3,)]


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (RunOutcome(Outcome.FAILED), "failed"),
        (RunOutcome(Outcome.FAILED, Category.SERVER), "failed"),
        (RunOutcome(Outcome.FAILED, Category.UNREACHABLE), "unreachable"),
        (RunOutcome(Outcome.FAILED, Category.RATE_LIMITED), "rate_limited"),
        (RunOutcome(Outcome.STOPPED), "down"),
        (RunOutcome(Outcome.KILLED), "killed"),
    ],
)
def test_a_slot_says_why_it_was_missed(world: World, ended: RunOutcome, reason: str) -> None:
    world.failed_poll(ended)

    assert world.rows(MISSED) == [(slot(1), slot(1), 1, reason, None)]


def test_a_partial_run_misses_nothing_and_heals_nothing(world: World) -> None:
    world.failed_poll()
    run = world.begin()
    world.page(run, [issue(1)])

    world.memory.end(run, RunOutcome(Outcome.PARTIAL), world.clock, (), None)

    assert world.rows(MISSED) == [(slot(1), slot(1), 1, "failed", None)]
    assert world.rows("SELECT outcome FROM poller_runs ORDER BY id DESC LIMIT 1") == [("partial",)]


def test_a_resumed_scan_heals_only_what_was_missed_before_it_began(world: World) -> None:
    first = world.begin()
    world.page(first, [issue(1)], checkpoint=checkpoint(first.started_at))
    world.memory.end(first, RunOutcome(Outcome.PARTIAL), world.clock, (), None)
    world.failed_poll()

    world.poll()
    assert world.rows(MISSED) == [(slot(2), slot(2), 1, "failed", None)]
    world.poll()

    assert world.rows(MISSED) == [(slot(2), slot(2), 1, "failed", 4)]


def test_downtime_is_one_row_however_long(world: World) -> None:
    world.poll()
    world.clock += timedelta(days=30)
    back = world.clock + MINUTE
    alive = Liveness(up_since=back, awake_since=back)

    world.memory.begin(world.stream, RunKind.POLL, back, alive)

    assert world.rows(MISSED) == [(slot(2), slot(43_201), 43_200, "down", None)]


def test_a_paused_stream_misses_its_slots_in_one_stretch(world: World) -> None:
    alive = Liveness(up_since=NOON, awake_since=NOON)
    for minutes in (1, 2, 3):
        world.memory.pass_by(world.stream, Reason.PAUSED, NOON + minutes * MINUTE, alive)

    assert world.rows(MISSED) == [(slot(1), slot(3), 3, "paused", None)]
    assert world.rows("SELECT count(*) FROM poller_runs") == [(0,)]


RUNS = "SELECT id, first_slot, last_slot, polls, outcome, requests FROM poller_runs ORDER BY id"


def test_idle_polls_fold_into_one_row(world: World) -> None:
    world.poll(issue(1), attempts=[attempt()])
    for _ in range(4):
        world.poll(issue(1), attempts=[attempt()])

    assert world.rows(RUNS) == [(1, slot(1), slot(1), 1, "ok", 1), (5, slot(2), slot(5), 4, "ok", 4)]
    assert world.rows("SELECT run_id FROM poller_requests") == [(1,), (5,)]
    assert world.rows("SELECT unchanged, rows_read FROM poller_runs WHERE id = 5") == [(4, 4)]


def test_a_run_worth_a_look_is_never_folded(world: World) -> None:
    world.poll()
    world.failed_poll()
    world.poll()
    world.poll()
    world.poll(notices=(Notice(NoticeKind.PAGE_CAPPED, "70 of 100"),))
    world.poll(attempts=[attempt(status=503, error="HTTP 503"), attempt()])
    world.poll(finish=Finish(at(1), "", None, None))
    world.poll()

    assert [run_id for run_id, *_ in world.rows(RUNS)] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert world.rows("SELECT outcome, healed FROM poller_runs WHERE id IN (2, 3)") == [
        ("failed", 0),
        ("ok", 1),
    ]


def test_the_last_attempts_of_a_run_are_kept_when_it_ends(world: World) -> None:
    run = world.begin()
    world.last_page(run, [issue(1)], attempts=[attempt()])

    world.memory.end(run, RunOutcome(Outcome.OK), world.clock, [attempt(status=None, error="reset")], None)

    assert world.rows("SELECT requests, failed_requests, outcome FROM poller_runs") == [(2, 1, "ok")]


def test_a_run_whose_end_could_not_be_written_is_closed_by_the_next_one(world: World) -> None:
    world.begin()

    world.begin()

    assert world.rows("SELECT outcome, error FROM poller_runs") == [
        ("killed", "its end could not be written"),
        (None, None),
    ]
    assert world.rows(MISSED) == [(slot(1), slot(1), 1, "killed", None)]


def test_nothing_begins_without_the_lease(world: World) -> None:
    stranger = Memory(world.database, owner("theirs"))

    with pytest.raises(Fenced, match="the lease of crm is not ours"):
        stranger.begin(world.stream, RunKind.MANUAL, NOON, None)


def test_a_stream_that_nobody_made_known_is_named(world: World) -> None:
    with pytest.raises(StoreError, match=r"knows no stream crm\.users"):
        world.memory.state(replace(ISSUES, name="users"))


def test_an_answer_that_is_no_page_is_kept_until_a_scan_is_drained(world: World) -> None:
    run = world.begin()

    world.memory.keep_page(run, b"<html>", "HTTP 200 is no page", "req-9", world.clock)
    world.memory.end(run, RunOutcome(Outcome.FAILED, Category.SHAPE), world.clock, (), "no page")

    letters = "SELECT reason, payload, request_id, key, closed_by FROM poller_dead_letters"
    assert world.rows(letters) == [("page", b"<html>", "req-9", None, None)]
    world.poll()
    assert world.rows(letters) == [("page", b"<html>", "req-9", None, 2)]


def test_a_stream_read_in_one_page_stores_what_gives_its_watermark_its_meaning(world: World) -> None:
    proved = Finish(at(1), text_at(1), at(1), at(2), fingerprint="meaning-1")

    world.poll(issue(1, 1), finish=proved)
    world.poll(issue(2, 3), finish=replace(proved, fingerprint="meaning-2"))

    assert world.memory.state(world.stream).fingerprint == "meaning-1"
