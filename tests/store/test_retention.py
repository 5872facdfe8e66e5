"""What is too old goes, a little at a time; what is open or says how a stream stands does not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from poller.core.errors import SnapshotNeeded
from poller.core.feed_token import FeedToken
from poller.core.page import Reject
from poller.core.runs import Outcome, RunKind, RunOutcome
from poller.store.changes import changes_after, feed_end, newest_changes
from poller.store.retention import STEP, Keep, pruning
from poller.store.views_streams import stream_view
from tests.store.world import HOUR, ISSUES, World, attempt, issue

DAY = timedelta(days=1)
NOTHING = Keep(None, None, None)


def prune(world: World, keep: Keep, now: datetime | None = None) -> Counter[str]:
    """Everything that ``keep`` lets go, as of the world's clock; how many rows of what."""
    pruned: Counter[str] = Counter()
    for what, rows in pruning(world.database, keep, world.clock if now is None else now):
        assert 0 < rows <= STEP
        pruned[what] += rows
    return pruned


def later(world: World, span: timedelta = 100 * DAY) -> None:
    """Time passes, and the next poll brings something."""
    world.clock += span
    world.poll(issue(999, world.clock.timestamp() // 60 % 100_000, clock=str(world.clock)))


def ids(world: World, table: str) -> list[int]:
    return [number for (number,) in world.rows(f"SELECT id FROM {table} ORDER BY id")]


# --- runs, requests, what hangs on them ---------------------------------------------------------------


def test_old_runs_go_and_younger_ones_stay(world: World) -> None:
    world.poll(issue(1, 0), attempts=[attempt()])
    world.poll(issue(1, 1), attempts=[attempt(), attempt(status=500)])
    later(world)

    pruned = prune(world, replace(NOTHING, runs=90 * DAY))

    assert (pruned["runs"], pruned["requests"]) == (2, 3)
    assert ids(world, "poller_runs") == [3]
    assert world.rows("SELECT * FROM poller_requests") == []
    assert prune(world, replace(NOTHING, runs=90 * DAY)) == {}


def test_for_ever_is_for_ever(world: World) -> None:
    world.poll(issue(1, 0), attempts=[attempt()])
    later(world, 36500 * DAY)

    assert prune(world, NOTHING) == {}


def test_the_newest_run_and_the_newest_good_one_stay_however_old(world: World) -> None:
    world.poll(issue(1, 0))
    good = ids(world, "poller_runs")
    for _ in range(3):
        world.failed_poll()
    before = stream_view(world.database, "crm.issues")

    pruned = prune(world, replace(NOTHING, runs=DAY), world.clock + 300 * DAY)

    assert pruned == {"runs": 2}
    assert ids(world, "poller_runs") == [*good, 4]
    assert stream_view(world.database, "crm.issues") == before


def test_a_run_that_is_under_way_keeps_its_requests(world: World) -> None:
    run = world.begin()
    world.page(run, [issue(1)], attempts=[attempt(), attempt()])

    assert prune(world, Keep(DAY, DAY, None), world.clock + 300 * DAY) == {}
    world.memory.end(run, RunOutcome(Outcome.STOPPED), world.clock, (), None)
    assert prune(world, Keep(DAY, DAY, None), world.clock + 300 * DAY) == {"requests": 2}


def test_requests_go_before_their_runs(world: World) -> None:
    world.poll(issue(1, 0), attempts=[attempt(), attempt(sent_at=world.clock + 10 * DAY)])

    pruned = prune(world, Keep(90 * DAY, 5 * DAY, None), world.clock + 7 * DAY)

    assert pruned == {"requests": 1}
    assert world.rows("SELECT requests FROM poller_runs") == [(2,)]


def test_healed_misses_go_and_open_ones_never(world: World) -> None:
    world.poll(issue(1, 0))
    world.failed_poll()
    world.poll(issue(1, 1))
    world.clock += DAY
    world.failed_poll()
    open_before = world.rows("SELECT slots FROM poller_missed_polls WHERE healed_by IS NULL ORDER BY id")

    pruned = prune(world, replace(NOTHING, runs=HOUR), world.clock + 300 * DAY)

    assert pruned["missed polls"] == 1
    assert world.rows("SELECT slots FROM poller_missed_polls ORDER BY id") == open_before
    assert open_before


def test_closed_letters_go_and_open_ones_never(world: World) -> None:
    run = world.begin(RunKind.MANUAL)
    rejects = [Reject(b'{"id": 1, "at": 5}', "position", "no position", "1"), Reject(b"{}", "key", "no key")]
    world.last_page(run, [], rejects=rejects)
    world.poll(issue(1, 1))

    pruned = prune(world, replace(NOTHING, runs=DAY), world.clock + 300 * DAY)

    assert pruned["dead letters"] == 1
    assert world.rows("SELECT payload FROM poller_dead_letters") == [(b"{}",)]


def test_a_closed_letter_that_still_comes_back_stays(world: World) -> None:
    rejects = [Reject(b"{}", "key", "no key")]
    world.last_page(world.begin(RunKind.MANUAL), [], rejects=rejects)
    world.do("UPDATE poller_dead_letters SET closed_at = '2026-11-21T12:00:00Z', closed_how = 'discarded'")
    world.clock += 300 * DAY
    world.last_page(world.begin(RunKind.MANUAL), [], rejects=rejects)
    world.do("UPDATE poller_dead_letters SET closed_at = '2026-11-21T12:00:00Z', closed_how = 'discarded'")

    assert prune(world, replace(NOTHING, runs=DAY))["dead letters"] == 0
    assert prune(world, replace(NOTHING, runs=DAY), world.clock + 2 * DAY)["dead letters"] == 1


def test_commands_that_ended_go_after_a_while_and_waiting_ones_never(world: World) -> None:
    world.do(
        "INSERT INTO poller_commands (source_id, kind, arguments, who, asked_at, state, ended_at) VALUES"
        " (1, 'once', '{}', 'me', '2026-11-21T12:00:00.000000Z', 'done', '2026-11-21T12:01:00.000000Z'),"
        " (1, 'once', '{}', 'me', '2026-11-21T12:00:00.000000Z', 'waiting', NULL)"
    )

    assert prune(world, NOTHING, world.clock + 29 * DAY) == {}
    assert prune(world, NOTHING, world.clock + 31 * DAY) == {"commands": 1}
    assert world.rows("SELECT state FROM poller_commands") == [("waiting",)]


# --- changes -----------------------------------------------------------------------------------------


def test_old_changes_go_and_the_floor_says_so(world: World) -> None:
    world.poll(issue(1, 0), issue(2, 0))
    world.poll(issue(1, 1))
    token = changes_after(world.database, FeedToken(), (), 3).end
    later(world)

    pruned = prune(world, replace(NOTHING, changes=90 * DAY))

    assert pruned == {"changes": 3}
    assert world.rows("SELECT seq, changes_floor FROM poller_streams") == [(4, 3)]
    with pytest.raises(SnapshotNeeded, match="changes 1 to 3 of crm"):
        changes_after(world.database, FeedToken(), (), 10)
    assert [change.seq for change in changes_after(world.database, token, (), 10).changes] == [4]
    assert [change.seq for change in newest_changes(world.database, (), 10).changes] == [4]


def test_a_stream_of_which_every_change_is_old_goes_on_counting(world: World) -> None:
    world.poll(issue(1, 0))
    token = feed_end(world.database, ())

    prune(world, replace(NOTHING, changes=DAY), world.clock + 2 * DAY)
    world.poll(issue(1, 1))

    assert world.rows("SELECT seq FROM poller_changes") == [(2,)]
    assert [change.seq for change in changes_after(world.database, token, (), 10).changes] == [2]


def test_many_old_changes_go_in_steps_each_with_its_floor(world: World) -> None:
    world.poll(*(issue(key) for key in range(3 * STEP + 7)))

    floors = []
    for what, rows in pruning(world.database, replace(NOTHING, changes=DAY), world.clock + 2 * DAY):
        ((lowest, floor),) = world.rows(
            "SELECT (SELECT min(seq) FROM poller_changes), changes_floor FROM poller_streams"
        )
        assert lowest in (floor + 1, None)
        floors.append((what, rows, floor))

    assert floors == [
        ("changes", STEP, STEP),
        ("changes", STEP, 2 * STEP),
        ("changes", STEP, 3 * STEP),
        ("changes", 7, 3 * STEP + 7),
    ]


def test_what_was_observed_out_of_order_never_leaves_a_hole(world: World) -> None:
    world.poll(issue(1, 0), issue(2, 0), issue(3, 0))
    world.do("UPDATE poller_changes SET observed_at = '2027-11-21T12:00:00.000000Z' WHERE seq = 2")

    prune(world, replace(NOTHING, changes=DAY), world.clock + 2 * DAY)

    assert world.rows("SELECT seq FROM poller_changes") == [(2,), (3,)]
    assert world.rows("SELECT changes_floor FROM poller_streams") == [(1,)]


def test_the_floor_of_a_stretch_without_a_feed_is_not_lowered(world: World) -> None:
    world.poll(issue(1, 0))
    world.settle_in(replace(ISSUES, changes="off"))
    world.poll(issue(1, 1))

    pruned = prune(world, replace(NOTHING, changes=DAY), world.clock + 2 * DAY)

    assert pruned == {"changes": 1}
    assert world.rows("SELECT changes_floor FROM poller_streams") == [(2,)]
