"""Readers of the feed beside a process that writes it: every number once, and replicas that are right."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from poller.core.errors import SnapshotNeeded
from poller.core.feed_token import FeedToken, read_token
from poller.store.changes import changes_after, snapshot
from poller.store.database import Database, open_database
from poller.store.retention import Keep, pruning
from tests.store.world import World

WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from poller.core.model import Source
from poller.store.database import open_database
from poller.store.streams import ensure_streams
from tests.store.world import ISSUES, World, issue

world = World(Path(sys.argv[1]))
world.database.close()
world.database = open_database(f"sqlite:///{sys.argv[1]}")  # which waits for a lock as the program does
world.settle_in(ISSUES)
streams = (ISSUES, replace(ISSUES, name="users", table="crm_users"))
ensure_streams(world.database, [Source("crm", "https://api.example", streams)])
for turn in range(int(sys.argv[2])):
    world.stream = streams[turn % 3 == 0]
    gone = [issue(key, turn, deleted=True) for key in range(turn % 5)]
    world.poll(*gone, *(issue(key, turn) for key in range(7, 7 + turn % 40)))
"""


class Replica:
    """Another database's copy of the mirror, fed by the change feed alone."""

    def __init__(self, database: Database, page: int) -> None:
        self._database = database
        self._page = page
        self._token = str(FeedToken())
        self.seen: dict[str, list[int]] = {}
        self.rows: dict[tuple[str, str], str] = {}
        self.snapshots = 0

    def catch_up(self) -> None:
        """Read all that is committed; the token is kept as text, as a reader keeps it."""
        while self._read_page():
            pass

    def _read_page(self) -> bool:
        try:
            page = changes_after(self._database, read_token(self._token), (), self._page)
        except SnapshotNeeded:
            self._begin_anew()
            return True
        for change in page.changes:
            self.seen.setdefault(change.stream, []).append(change.seq)
            place = (change.stream, change.key)
            if change.op == "delete":
                self.rows.pop(place, None)
            else:
                assert change.after is not None
                self.rows[place] = change.after
        self._token = str(page.end)
        return len(page.changes) > 0

    def _begin_anew(self) -> None:
        with snapshot(self._database, FeedToken(), ()) as taken:
            self.rows = {(row.stream, row.key): row.after or "" for row in taken.rows}
        self._token = str(taken.token)
        self.snapshots += 1


@contextmanager
def writing(path: Path, polls: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that commits changes of two streams."""
    command = [sys.executable, "-c", WRITER, str(path), str(polls)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
        try:
            yield process
        finally:
            process.kill()


def mirror(world: World) -> dict[tuple[str, str], str]:
    return {
        (name, key): payload
        for name, table in (("crm.issues", "crm_issues"), ("crm.users", "crm_users"))
        for key, payload in world.rows(f"SELECT _key, _payload FROM {table} WHERE _deleted_at IS NULL")
    }


def test_a_reader_beside_a_writing_process_sees_every_number_once(world: World) -> None:
    reader = open_database(f"sqlite:///{world.path}")
    replica, greedy = Replica(reader, page=7), Replica(reader, page=1000)

    with writing(world.path, 150) as process:
        looks = 0
        while process.poll() is None:
            replica.catch_up()
            greedy.catch_up()
            looks += 1
        replica.catch_up()
        greedy.catch_up()
        assert process.returncode == 0

    counted = dict(world.rows("SELECT name, seq FROM poller_streams"))
    assert sum(counted.values()) > 2000
    assert looks > 10
    assert replica.seen == greedy.seen == {name: list(range(1, seq + 1)) for name, seq in counted.items()}
    assert replica.rows == greedy.rows == mirror(world)
    reader.close()


def test_a_reader_that_falls_behind_the_pruning_takes_snapshots_and_is_right_in_the_end(world: World) -> None:
    reader = open_database(f"sqlite:///{world.path}")
    replica, done = Replica(reader, page=3), threading.Event()
    pruner = open_database(f"sqlite:///{world.path}")

    def prune() -> None:
        while not done.is_set():
            keep = Keep(None, None, timedelta(minutes=10))
            ((newest,),) = world.rows(
                "SELECT coalesce(max(started_at), '2026-11-21T12:00:00Z') FROM poller_runs"
            )
            for _ in pruning(pruner, keep, world.clock.fromisoformat(newest)):
                done.wait(0.001)

    beside = threading.Thread(target=prune)
    beside.start()
    try:
        with writing(world.path, 150) as process:
            while process.poll() is None:
                replica.catch_up()
                done.wait(1.0)  # far more than ten minutes of the writer's own clock
            assert process.returncode == 0
    finally:
        done.set()
        beside.join()
    replica.catch_up()

    assert replica.snapshots > 0
    assert replica.rows == mirror(world)
    assert all(numbers == sorted(set(numbers)) for numbers in replica.seen.values())
    reader.close()
    pruner.close()
