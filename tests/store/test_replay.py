"""Dead letters that are played again: merged as of when they came, and closed with the reason."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import NoReturn

import pytest

from poller.core.model import Stream
from poller.core.page import Reject
from poller.core.replay import Replayed
from poller.core.runs import Outcome
from poller.engine.replay import Replayer
from poller.engine.run import Runner
from poller.pagers.offset import Offset
from poller.store.replay import LetterBox
from tests.store.world import ISSUES, MINUTE, World, issue

NO_KEY = Reject(b'{"name": "x"}', "key", "no key")
FINE = b'{"id": 1, "at": "2026-11-21T12:05:00Z", "title": "from the letter"}'
LETTERS = "SELECT closed_how, reason, times FROM poller_dead_letters ORDER BY id"


def silent(_name: str) -> NoReturn:
    raise AssertionError("a replay asks no API")


@pytest.fixture
def played(world: World) -> Iterator[Callable[..., Replayed]]:
    """Replays these letters of the world's stream."""
    with ThreadPoolExecutor(1) as ahead:

        def play(*numbers: int, stop: bool = False, meaning: str = "meaning") -> Replayed:
            stopped = threading.Event()
            if stop:
                stopped.set()
            clock: Callable[[], datetime] = lambda: world.clock + MINUTE  # noqa: E731
            runner = Runner(world.memory, silent, lambda _stream: meaning, ahead, clock, stopped)
            return Replayer(runner, LetterBox(world.database)).replay(world.stream, numbers)

        yield play


def dead(world: World, *payloads: bytes, reason: str = "key") -> None:
    """Letters that came with one page, which moved nothing."""
    world.last_page(world.begin(), rejects=[Reject(each, reason, "as it was") for each in payloads])


def test_a_letter_that_can_be_read_is_merged_and_closed(
    world: World, played: Callable[..., Replayed]
) -> None:
    dead(world, FINE, NO_KEY.payload)

    outcome = played(1, 2)

    assert (outcome.outcome, outcome.letters, outcome.closed) == (Outcome.OK, 2, 1)
    assert (outcome.done.inserted, outcome.still) == (1, {"key": 1})
    assert world.rows(LETTERS) == [("replayed", "key", 1), (None, "key", 1)]
    assert world.column("title") == ["from the letter"]
    assert world.rows("SELECT seq, op, run_id FROM poller_changes") == [(1, "insert", outcome.run_id)]
    assert world.rows("SELECT kind, outcome FROM poller_runs WHERE kind = 'replay'") == [("replay", "ok")]


def test_the_position_of_nothing_moves(world: World, played: Callable[..., Replayed]) -> None:
    dead(world, FINE)
    before = world.rows("SELECT epoch, watermark, highest, requested_at, drained_at FROM poller_streams")

    played(1)

    after = world.rows("SELECT epoch, watermark, highest, requested_at, drained_at FROM poller_streams")
    assert after == before
    assert world.rows("SELECT count(*) FROM poller_scans") == [(0,)]


def test_a_newer_version_that_is_held_is_not_replaced_and_the_letter_closes(
    world: World, played: Callable[..., Replayed]
) -> None:
    dead(world, FINE)
    world.poll(issue(1, 7, title="newer"))
    world.do("UPDATE poller_dead_letters SET closed_at = NULL, closed_how = NULL, closed_by = NULL")

    outcome = played(1)

    assert world.column("title") == ["newer"]
    assert (outcome.done.refused, outcome.closed) == (1, 1)
    assert world.rows(LETTERS) == [("replayed", "key", 1)]


def test_without_positions_the_version_that_was_asked_for_later_stays(
    world: World, played: Callable[..., Replayed]
) -> None:
    dead(world, b'{"id": 1, "title": "from the letter"}')
    world.poll(issue(1, None, title="asked for later"))
    world.poll(issue(2, None, title="x"))

    outcome = played(1)

    assert world.column("title") == ["asked for later", "x"]
    assert (outcome.done.refused, outcome.closed) == (1, 1)


def test_a_whole_answer_is_read_and_its_bad_rows_become_letters(
    world: World, played: Callable[..., Replayed]
) -> None:
    world.settle_in(replace(ISSUES, pager=Offset(size=100)))
    dead(world, b'[{"id": 1, "title": "a"}, {"title": "no key"}]', reason="page")
    world.do("UPDATE poller_dead_letters SET closed_at = NULL")

    outcome = played(1)

    assert (outcome.done.inserted, outcome.done.dead, outcome.closed) == (1, 1, 1)
    assert world.rows(LETTERS) == [("replayed", "page", 1), (None, "key", 1)]


def test_what_still_cannot_be_read_says_todays_reason(world: World, played: Callable[..., Replayed]) -> None:
    dead(world, b"[1]", reason="value")

    outcome = played(1)

    assert outcome.still == {"shape": 1}
    ((reason, detail),) = world.rows("SELECT reason, detail FROM poller_dead_letters")
    assert reason == "shape"
    assert "must be an object" in detail


def test_closed_letters_and_those_of_other_streams_are_left_alone(
    world: World, played: Callable[..., Replayed]
) -> None:
    dead(world, FINE)
    LetterBox(world.database).discard("crm.issues", [1], world.clock)

    outcome = played(1, 99)

    assert (outcome.closed, outcome.done.inserted) == (0, 0)
    assert world.rows(LETTERS) == [("discarded", "key", 1)]


def test_a_stream_that_is_blocked_is_not_replayed(world: World, played: Callable[..., Replayed]) -> None:
    dead(world, FINE)
    world.do("UPDATE poller_streams SET fingerprint = 'another meaning'")

    outcome = played(1)

    assert (outcome.run_id, outcome.outcome) == (None, Outcome.FAILED)
    assert "blocked" in (outcome.error or "")
    assert world.rows("SELECT count(*) FROM poller_runs WHERE kind = 'replay'") == [(0,)]


def test_a_replay_that_is_asked_to_stop_says_so(world: World, played: Callable[..., Replayed]) -> None:
    dead(world, FINE)

    outcome = played(1, stop=True)

    assert (outcome.outcome, outcome.closed) == (Outcome.STOPPED, 0)
    assert world.rows(LETTERS) == [(None, "key", 1)]


def test_the_very_bytes_that_were_discarded_stay_so_and_are_counted(world: World) -> None:
    dead(world, NO_KEY.payload)
    box = LetterBox(world.database)

    assert box.discard("crm.issues", [1], world.clock) == 1
    assert box.discard("crm.issues", [1], world.clock) == 0
    dead(world, NO_KEY.payload)
    dead(world, b'{"name": "y"}')

    assert world.rows(LETTERS) == [("discarded", "key", 2), (None, "key", 1)]


def test_a_letter_that_was_replayed_opens_again_when_it_comes_again(
    world: World, played: Callable[..., Replayed]
) -> None:
    dead(world, FINE)
    played(1)

    dead(world, FINE)

    assert world.rows(LETTERS) == [(None, "key", 2)]


def test_a_newer_version_closes_a_letter_as_merged(world: World) -> None:
    bad = issue(1, 5, title="x")
    world.poll(bad._replace(fields={**bad.fields, "title": "\ud800"}))

    world.poll(issue(1, 7))

    assert world.rows("SELECT closed_how FROM poller_dead_letters") == [("merged",)]


def test_a_letter_of_a_stream_without_changes_is_merged_all_the_same(
    world: World, played: Callable[..., Replayed]
) -> None:
    stream: Stream = replace(ISSUES, changes="off")
    world.settle_in(stream)
    dead(world, FINE)

    assert played(1).done.inserted == 1
