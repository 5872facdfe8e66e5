"""Who may work on a source, and what becomes of those who may not any more."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from poller.core.errors import Fenced, LeaseHeld
from poller.core.runs import Outcome, RunOutcome
from poller.store.holds import Holds
from poller.store.leases import acquire, holder, release, renew
from poller.store.memory import Memory
from tests.store.world import HOUR, NOON, World, issue, owner

THEIRS = owner("theirs", host="elsewhere")
NOW = timedelta(0)


def test_a_second_owner_is_told_who_the_first_one_is(world: World) -> None:
    with pytest.raises(LeaseHeld, match=r"crm is polled by pid 1 on here since \d{4}-"):
        acquire(world.database, ["crm"], THEIRS, HOUR)

    held = holder(world.database, "crm")
    assert held is not None
    assert held.owner == world.owner


def test_all_leases_are_taken_or_none(world: World) -> None:
    with pytest.raises(LeaseHeld):
        acquire(world.database, ["shop", "crm"], THEIRS, HOUR)

    assert holder(world.database, "shop") is None


def test_an_expired_lease_is_taken_over_and_its_owner_fenced_off(world: World) -> None:
    run = world.begin()
    world.page(run, [issue(1)])
    renew(world.database, ["crm"], world.owner, NOW)

    acquire(world.database, ["crm"], THEIRS, HOUR)

    with pytest.raises(Fenced):
        world.page(run, [issue(2)])
    with pytest.raises(Fenced, match="no longer ours"):
        renew(world.database, ["crm"], world.owner, HOUR)
    world.memory.end(run, RunOutcome(Outcome.FAILED), world.clock, (), "fenced")
    assert world.column("id") == [1]
    assert world.rows("SELECT epoch FROM poller_streams") == [(2,)]
    assert world.rows("SELECT outcome, error FROM poller_runs") == [
        ("killed", "pid 1 on here ended without giving its lease back")
    ]
    assert world.rows("SELECT slots, reason FROM poller_missed_polls") == [(1, "killed")]


def test_the_next_owner_goes_on_from_the_checkpoint(world: World) -> None:
    run = world.begin()
    world.page(run, [issue(1)])
    renew(world.database, ["crm"], world.owner, NOW)
    acquire(world.database, ["crm"], THEIRS, HOUR)
    world.memory, world.owner = Memory(world.database, THEIRS), THEIRS

    assert world.memory.state(world.stream).checkpoint is not None
    world.poll(issue(2))

    assert world.column("id") == [1, 2]
    assert world.rows("SELECT reason, healed_by FROM poller_missed_polls") == [("killed", 2)]


def test_an_expired_lease_that_nobody_took_is_still_ours(world: World) -> None:
    renew(world.database, ["crm"], world.owner, NOW)

    world.poll(issue(1))
    renew(world.database, ["crm"], world.owner, HOUR)

    assert world.column("id") == [1]


def test_a_lease_that_is_given_back_records_a_clean_end(world: World) -> None:
    release(world.database, ["crm"], world.owner)
    assert world.rows("SELECT lease_token, released_at IS NOT NULL FROM poller_sources") == [(None, 1)]

    acquire(world.database, ["crm"], THEIRS, HOUR)

    assert world.rows("SELECT epoch FROM poller_streams") == [(1,)]
    assert world.rows("SELECT lease_token, released_at FROM poller_sources") == [("theirs", None)]


def test_nobody_gives_back_the_lease_of_another(world: World) -> None:
    release(world.database, ["crm"], THEIRS)

    assert holder(world.database, "crm") is not None


def test_a_process_that_was_killed_here_is_not_waited_for(world: World) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    release(world.database, ["crm"], world.owner)
    acquire(world.database, ["crm"], owner("dead", pid=gone.pid), HOUR)

    acquire(world.database, ["crm"], owner("next", pid=2), HOUR)

    assert world.rows("SELECT lease_token FROM poller_sources") == [("next",)]
    assert world.rows("SELECT epoch FROM poller_streams") == [(2,)]


def test_a_restarted_container_knows_its_own_former_life(world: World) -> None:
    world.do("UPDATE poller_sources SET lease_token = 'former life, same number'")

    acquire(world.database, ["crm"], owner("next"), HOUR)

    assert world.rows("SELECT lease_token FROM poller_sources") == [("next",)]


def test_two_owners_in_one_process_are_two(world: World) -> None:
    with pytest.raises(LeaseHeld):
        acquire(world.database, ["crm"], owner("second house"), HOUR)


def test_a_killed_process_leaves_a_page_or_nothing(world: World, tmp_path: Path) -> None:
    release(world.database, ["crm"], world.owner)
    world.close()
    script = tmp_path / "victim.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.store.world import World, issue\n"
        "world = World(Path(sys.argv[1]))\n"
        "run = world.begin()\n"
        "for number in range(100000):\n"
        "    world.page(run, [issue(number * 3 + each, number) for each in range(3)])\n"
        "    print(number, flush=True)\n"
    )
    victim = subprocess.Popen(
        [sys.executable, script, world.path],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert victim.stdout is not None
    told = 0
    for _ in range(25):
        told = int(victim.stdout.readline())
    victim.kill()
    victim.wait()
    victim.stdout.close()

    rows = world.rows("SELECT id FROM crm_issues ORDER BY id")
    pages, rest = divmod(len(rows), 3)
    assert rest == 0
    assert pages > told
    assert rows == [(number,) for number in range(pages * 3)]
    assert world.rows("SELECT seq FROM poller_changes ORDER BY seq") == [(n + 1,) for n in range(pages * 3)]
    assert world.rows("SELECT pages, rows_read FROM poller_runs") == [(pages, pages * 3)]


def test_a_hold_outlives_a_restart_and_is_never_shortened(world: World) -> None:
    holds = Holds(world.database)
    assert holds.not_before("crm") is None
    holds.hold("crm", NOON + HOUR, "Retry-After: 3600")

    holds.hold("crm", NOON, "Retry-After: 0")

    assert Holds(world.database).not_before("crm") == NOON + HOUR
    assert holds.not_before("nowhere") is None
    assert world.rows("SELECT not_before_reason FROM poller_sources") == [("Retry-After: 3600",)]
