"""A source that must be left alone takes no thread from the others, and is polled when its hold ends."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.emulators.faults import Reply
from tests.emulators.server import Asked, Server
from tests.engine.house import Process, until
from tests.scenario.books import Books

HOLD = 12
"""Seconds that the held source asks for."""
MANY = 12
"""Streams of the held source: three times as many as there are workers."""


@dataclass
class Api:
    """Two pages of a row, then an empty one. The answer is 429 while it is ``busy``, and once to each
    offset in ``busy_at``; it asks to be left alone for ``hold`` seconds.
    """

    busy: bool = False
    busy_at: set[int] = field(default_factory=set)
    hold: int = HOLD
    asked: list[tuple[float, int, int]] = field(default_factory=list)
    """When, for which offset, and with which status it was answered."""

    def answer(self, asked: Asked) -> Reply:
        offset = int(asked.params["offset"])
        busy = self.busy or offset in self.busy_at
        self.busy_at.discard(offset)
        self.asked.append((time.monotonic(), offset, 429 if busy else 200))
        if busy:
            return Reply(429, {}, headers=(("Retry-After", str(self.hold)),))
        return Reply(200, {"rows": [{"id": offset}] if offset < 2 else []})

    def moments(self, *statuses: int) -> list[float]:
        return [at for at, _, status in list(self.asked) if status in (statuses or (200, 429))]


class Place(Books):
    """Settings of two sources, ``held`` and ``free``, and what is asked of them."""

    def __init__(self, folder: Path, held: Api, free: Api, origins: tuple[str, str]) -> None:
        super().__init__(folder / "mirror.db")
        self.settings = folder / "settings.toml"
        self.held, self.free = held, free
        self._origins = origins

    def write_settings(self, *, streams: int = 1, schedule: str = "2s", workers: int = 4) -> None:
        held, free = self._origins
        lines = [
            f'[database]\nurl = "sqlite:///{self.database}"',
            f"[daemon]\nspread = false\nworkers = {workers}",
            f'[sources.held]\nbase_url = "{held}"\n[sources.free]\nbase_url = "{free}"',
        ]
        lines += [_stream(f"sources.held.streams.s{number}", schedule) for number in range(streams)]
        lines.append(_stream("sources.free.streams.rows", "1s"))
        self.settings.write_text("\n".join(lines))

    def run(self) -> Process:
        return Process(self.settings, "run")

    def once(self) -> Process:
        return Process(self.settings, "once", "held", "--json")

    def missed(self) -> list[tuple[str, datetime, datetime, int, str]]:
        found = self.rows(
            "SELECT name, first_slot, m.last_slot, slots, reason FROM poller_missed_polls m"
            " JOIN poller_streams ON poller_streams.id = stream_id ORDER BY name, first_slot"
        )
        return [(row[0], _at(row[1]), _at(row[2]), *row[3:]) for row in found]

    def polled(self) -> int:
        """How many streams were polled to their end."""
        ((count,),) = self.rows("SELECT count(DISTINCT stream_id) FROM poller_runs WHERE outcome = 'ok'")
        return int(count)

    def slots_add_up(self) -> None:
        """Every slot of each stream has exactly one outcome."""
        owned = self.rows(
            "SELECT name, first_slot, r.last_slot, polls, outcome FROM poller_runs r"
            " JOIN poller_streams ON poller_streams.id = stream_id WHERE first_slot IS NOT NULL"
        )
        for name in {row[0] for row in owned}:
            good = [row for row in owned if row[0] == name and row[4] in ("ok", "partial")]
            missed = [row for row in self.missed() if row[0] == name]
            ends = [_at(row[1]) for row in owned if row[0] == name] + [row[1] for row in missed]
            ends += [_at(row[2]) for row in owned if row[0] == name] + [row[2] for row in missed]
            seconds = 1 if name == "free.rows" else 2
            slots = round((max(ends) - min(ends)).total_seconds()) // seconds + 1
            assert sum(row[3] for row in good) + sum(row[3] for row in missed) == slots, (name, good, missed)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _stream(name: str, schedule: str) -> str:
    return (
        f'[{name}]\npath = "/rows"\nrecords = "rows"\nkey = "id"\norder = "key"\nschedule = "{schedule}"\n'
        'params = { offset = "{offset}", limit = "{size}", sort = "id" }\n'
        'page = { type = "offset", size = 1 }'
    )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    held, free = Api(), Api()
    servers = [Server(held.answer), Server(free.answer)]
    yield Place(tmp_path, held, free, (servers[0].origin, servers[1].origin))
    for server in servers:
        server.close()


@contextmanager
def daemon_of(place: Place) -> Iterator[Process]:
    with place.run() as daemon:
        until(lambda: "polling" in daemon.said)
        yield daemon
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0


def begin_hold(place: Place) -> float:
    """The moment from which on nothing may be asked: what was under way then has its answer."""
    place.held.busy = True
    until(lambda: place.held.moments(429))
    time.sleep(0.5)
    place.held.busy = False
    return max(place.held.moments(429))


def longest_silence(moments: list[float], since: float, through: float) -> float:
    inside = [since, *(each for each in moments if since < each < through), through]
    return max(later - earlier for earlier, later in pairwise(inside))


def test_many_streams_of_a_held_source_leave_the_threads_to_the_others(place: Place) -> None:
    place.write_settings(streams=MANY)
    with daemon_of(place) as daemon:
        until(lambda: place.polled() == MANY + 1)
        began = datetime.now(UTC)
        last = begin_hold(place)
        until(lambda: max(place.held.moments()) > last, within=HOLD + 10)
        until(lambda: len([at for at in place.held.moments() if at > last]) > 6 * MANY)

    again = min(at for at in place.held.moments() if at > last)
    assert HOLD <= again - last < HOLD + 5
    assert longest_silence(place.free.moments(), last, last + HOLD) < 4
    place.slots_add_up()
    first, end = began + timedelta(seconds=4), began + timedelta(seconds=HOLD - 1)
    inside = [row for row in place.missed() if row[0] != "free.rows" and first < row[2] and row[1] < end]
    assert {row[4] for row in inside} == {"rate_limited"}
    assert {row[0] for row in inside} == {f"held.s{number}" for number in range(MANY)}
    assert daemon.said.count("source held") <= 2
    ((failed,),) = place.rows("SELECT count(*) FROM poller_runs WHERE outcome = 'failed'")
    assert failed <= MANY


def test_a_hold_outlives_the_daemon_and_its_slots_are_accounted_for(place: Place) -> None:
    place.write_settings(streams=MANY)
    with daemon_of(place):
        until(lambda: place.polled() == MANY + 1)
        last = begin_hold(place)

    with daemon_of(place):
        restarted = time.monotonic()
        until(lambda: max(place.held.moments()) > last, within=HOLD + 10)
        until(lambda: len([at for at in place.held.moments() if at > last]) > 6 * MANY)

    assert min(at for at in place.held.moments() if at > last) - last >= HOLD
    assert longest_silence(place.free.moments(), restarted + 2, last + HOLD) < 4
    place.slots_add_up()
    assert {"rate_limited", "down"} <= {row[4] for row in place.missed()}


def test_a_run_that_meets_a_hold_ends_and_the_next_goes_on_from_its_checkpoint(place: Place) -> None:
    place.held.hold, place.held.busy_at = 7, {2}
    place.write_settings(schedule="1h", workers=1)
    with daemon_of(place):
        until(lambda: place.held.moments(429))
        until(lambda: place.polled() == 2)

    assert [status for _, _, status in place.held.asked] == [200, 200, 429, 200]
    assert place.held.asked[3][0] - place.held.asked[2][0] >= 7
    assert longest_silence(place.free.moments(), place.held.asked[2][0], place.held.asked[3][0]) < 4
    found = place.rows(
        "SELECT outcome, category, error, first_slot FROM poller_runs WHERE stream_id ="
        " (SELECT id FROM poller_streams WHERE name = 'held.s0') ORDER BY id"
    )
    assert [(row[0], row[1]) for row in found] == [("failed", "rate_limited"), ("ok", None)]
    assert found[1][3] is None
    healed = place.rows(
        "SELECT slots, reason, healed_by IS NOT NULL FROM poller_missed_polls"
        " JOIN poller_streams ON poller_streams.id = stream_id WHERE name = 'held.s0'"
    )
    assert [tuple(row) for row in healed] == [(1, "rate_limited", 1)]


def test_once_by_hand_waits_and_says_until_when(place: Place) -> None:
    place.held.hold = 7
    place.write_settings(schedule="1h")
    place.held.busy = True
    with place.once() as once:
        until(lambda: place.held.moments(429))
        place.held.busy = False
        row = json.loads(once.output())

    assert (once.ended(), row["outcome"], row["rows"]) == (0, "ok", 2)
    assert place.held.moments(200)[0] - place.held.moments(429)[-1] >= 7
    assert "held: the API asked not to be asked before" in once.said


def test_once_beside_a_daemon_waits_for_the_end_of_the_hold_without_a_thread(place: Place) -> None:
    place.write_settings(schedule="1h", workers=1)
    place.held.busy = True
    with daemon_of(place):
        last = begin_hold(place)
        with place.once() as once:
            row = json.loads(once.output())
        ended = time.monotonic()

    assert (once.ended(), row["outcome"]) == (0, "ok")
    assert ended - last >= HOLD
    assert longest_silence(place.free.moments(), last, last + HOLD) < 4
    assert "held: the API asked not to be asked before" in once.said
