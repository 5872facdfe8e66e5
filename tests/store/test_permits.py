"""The rate budget in SQL: what is committed counts, over processes, crashes, reboots and set clocks."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from poller.core.errors import StoreUnavailable
from poller.core.model import Window
from poller.core.permits import Ended, Grant, Tick, span
from poller.store.database import Database, open_database
from poller.store.leases import Owner
from poller.store.permits import CROWDED, SELDOM, Permits

MINUTE = Window(100, timedelta(minutes=1))
SPAN = span(MINUTE)
NUMBERS = count(1)
BLOCKS = "SELECT permits, completed_at IS NULL FROM poller_permits ORDER BY id"


@dataclass
class Machine:
    """A machine with a clock that only the test moves, and its database."""

    path: Path
    database: Database
    boot: str = "b1"
    now: float = 1000.0
    opened: list[Database] = field(default_factory=list)

    def tick(self) -> Tick:
        return Tick(self.boot, self.now)

    def process(self, *, pid: int | None = None, host: str | None = None) -> Permits:
        """The permits as a process sees them; by default this one, which is alive."""
        pid = os.getpid() if pid is None else pid
        host = socket.gethostname() if host is None else host
        owner = Owner(host, pid, f"token-{next(NUMBERS)}", datetime.now(UTC))
        return Permits(self.database, owner, self.tick)

    def rows(self, sql: str = BLOCKS) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(sql).fetchall()

    def set_wall_clock(self, by: timedelta) -> None:
        """What a clock that is set by so much makes of the moments that were written before."""
        shift = f"{-by.total_seconds():+f} seconds"
        pattern = "'%Y-%m-%dT%H:%M:%fZ'"
        self.rows(
            f"UPDATE poller_permits SET reserved_at = strftime({pattern}, reserved_at, '{shift}'),"
            f" completed_at = strftime({pattern}, completed_at, '{shift}')"
        )


@pytest.fixture
def machine(upgraded: Path, tmp_path: Path) -> Iterator[Machine]:
    path = tmp_path / "mirror.db"
    shutil.copy(upgraded, path)
    database = open_database(f"sqlite:///{path}", patience=timedelta(milliseconds=100))
    yield Machine(path, database)
    database.close()


def gone() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def taken(
    permits: Permits, want: int = 50, *, windows: tuple[Window, ...] = (MINUTE,), lasting: float = 45.0
) -> Grant:
    return permits.reserve("shop", windows, want, lasting, [])


def use_up(machine: Machine, permits: Permits, requests: int) -> None:
    """Send so many requests, the last of which is answered now."""
    grant = taken(permits, requests)
    assert grant.block is not None
    permits.settle("shop", [Ended(grant.block, grant.permits, machine.now)])


def test_a_reservation_is_committed_before_it_is_granted(machine: Machine) -> None:
    grant = taken(machine.process(), 7)

    assert (grant.permits, grant.until) == (7, 1045.0)
    assert machine.rows() == [(7, 1)]


def test_no_more_than_what_is_free_is_granted_and_then_nothing(machine: Machine) -> None:
    permits = machine.process()

    granted = [taken(permits, 40).permits for _ in range(4)]

    assert granted == [40, 40, 20, 0]
    assert taken(permits).block is None


def test_a_second_process_counts_what_the_first_one_took(machine: Machine) -> None:
    taken(machine.process(pid=os.getppid()), 90)

    granted = taken(machine.process(), 50)

    assert granted.permits == 10


def test_a_settled_block_counts_what_was_used_until_one_window_after_its_end(machine: Machine) -> None:
    permits = machine.process()
    grant = taken(permits, 100)
    assert grant.block is not None
    machine.now += 30

    permits.settle("shop", [Ended(grant.block, 99, machine.now - 10)])

    assert taken(permits, 5).permits == 1
    machine.now += SPAN - 10 - 0.01
    assert taken(permits).wait == pytest.approx(0.01)
    machine.now += 0.02
    assert taken(permits, 100).permits == 99


def test_a_block_that_nobody_used_is_forgotten(machine: Machine) -> None:
    permits = machine.process()
    grant = taken(permits, 100)
    assert grant.block is not None

    again = permits.reserve("shop", (MINUTE,), 100, 45.0, [Ended(grant.block, 0, machine.now)])

    assert again.permits == 100


def test_an_open_block_of_a_process_that_lives_counts_until_it_must_be_over(machine: Machine) -> None:
    taken(machine.process(pid=os.getppid()), 100, lasting=45.0)
    other = machine.process()

    machine.now += 45 - 0.1
    assert taken(other).wait == float("inf")
    machine.now += 0.2
    assert taken(other).wait == pytest.approx(SPAN - 0.1)
    machine.now += SPAN
    assert taken(other, 100).permits == 100


def test_what_a_killed_process_left_open_counts_as_used_when_the_next_one_starts(machine: Machine) -> None:
    taken(machine.process(pid=gone()), 100, lasting=900.0)
    machine.now += 5
    after = machine.process()

    assert taken(after).wait == pytest.approx(SPAN)
    machine.now += SPAN - 0.1
    assert taken(after).block is None
    machine.now += 0.2
    assert taken(after, 100).permits == 100


def test_a_former_life_with_our_own_number_is_gone(machine: Machine) -> None:
    taken(machine.process(), 100)
    machine.rows("UPDATE poller_permits SET owner_token = 'before the container was restarted'")

    assert taken(machine.process()).wait == pytest.approx(SPAN)


def test_a_process_on_another_host_is_believed_to_live(machine: Machine) -> None:
    taken(machine.process(pid=gone(), host="elsewhere.example"), 100)

    assert taken(machine.process()).wait == float("inf")


@pytest.mark.parametrize("by", [timedelta(days=30), timedelta(hours=-5)], ids=["forward", "back"])
def test_a_wall_clock_that_is_set_between_two_processes_changes_nothing(
    machine: Machine, by: timedelta
) -> None:
    use_up(machine, machine.process(pid=gone()), 100)

    machine.set_wall_clock(by)
    machine.now += 20

    assert taken(machine.process()).wait == pytest.approx(SPAN - 20)


def test_after_a_restart_of_the_machine_nothing_is_older_than_that(machine: Machine) -> None:
    use_up(machine, machine.process(pid=gone()), 100)
    machine.boot, machine.now = "b2", 15.0
    machine.set_wall_clock(timedelta(days=30))
    after = machine.process()

    assert taken(after).wait == pytest.approx(SPAN - 15)
    machine.now += SPAN - 15 + 0.01
    assert taken(after, 100).permits == 100


def test_a_wall_clock_that_went_back_over_a_restart_delays_by_one_window_at_most(machine: Machine) -> None:
    use_up(machine, machine.process(pid=gone()), 100)
    machine.boot, machine.now = "b2", 15.0
    machine.set_wall_clock(timedelta(days=-30))
    after = machine.process()

    assert taken(after).wait == pytest.approx(SPAN)
    machine.now += SPAN + 0.01
    assert taken(after, 100).permits == 100


def test_several_windows_hold_together(machine: Machine) -> None:
    permits = machine.process()
    windows = (Window(10, timedelta(seconds=1)), Window(25, timedelta(minutes=1)))

    granted = []
    for _ in range(4):
        grant = taken(permits, 100, windows=windows)
        granted.append(grant.permits)
        if grant.block is not None:
            permits.settle("shop", [Ended(grant.block, grant.permits, machine.now)])
        machine.now += 1.1

    assert granted == [10, 10, 5, 0]


def test_a_limit_that_was_lowered_or_widened_counts_what_was_used_before(machine: Machine) -> None:
    use_up(machine, machine.process(pid=gone()), 60)
    machine.now += 90
    after = machine.process()

    assert taken(after, 100, windows=(Window(80, timedelta(hours=1)),)).permits == 20
    machine.now += 1
    lower = taken(machine.process(), windows=(Window(50, timedelta(hours=1)),))
    assert lower.block is None


def test_each_source_has_a_budget_of_its_own(machine: Machine) -> None:
    permits = machine.process()
    taken(permits, 100)

    assert permits.reserve("crm", (MINUTE,), 100, 45.0, []).permits == 100


def test_old_blocks_are_pruned(machine: Machine) -> None:
    permits = machine.process()
    use_up(machine, permits, 10)
    machine.now += 86_401

    for _ in range(SELDOM):
        taken(permits, 1)

    assert machine.rows("SELECT min(permits), max(permits) FROM poller_permits") == [(1, 1)]


def test_many_small_blocks_become_fewer_and_none_of_their_permits_is_lost(machine: Machine) -> None:
    permits = machine.process()
    day = (Window(10, timedelta(seconds=1)), Window(100_000, timedelta(days=1)))
    blocks = CROWDED + 200
    for _ in range(blocks):
        grant = permits.reserve("shop", day, 1, 45.0, [])
        assert grant.block is not None
        permits.settle("shop", [Ended(grant.block, 1, machine.now)])
        machine.now += 2.0

    ((rows, total),) = machine.rows("SELECT count(*), sum(permits) FROM poller_permits")
    assert rows < CROWDED
    assert total == blocks
    in_nine_seconds = permits.reserve("shop", (Window(6, timedelta(seconds=9)),), 10, 45.0, [])
    assert in_nine_seconds.permits == 6 - 4


def test_a_block_that_was_given_up_and_is_settled_after_all_counts_again(machine: Machine) -> None:
    permits = machine.process()
    grant = taken(permits, 30, lasting=1.0)
    machine.now += 90_000
    for _ in range(SELDOM):
        taken(machine.process(), 1)
    assert grant.block is not None
    assert machine.rows("SELECT count(*) FROM poller_permits WHERE permits = 30") == [(0,)]

    permits.settle("shop", [Ended(grant.block, 30, machine.now)])

    assert taken(permits, 100).permits == 70 - SELDOM


def test_a_database_that_is_locked_grants_nothing(machine: Machine) -> None:
    permits = machine.process()
    with closing(sqlite3.connect(machine.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreUnavailable):
            taken(permits)

    assert machine.rows() == []
