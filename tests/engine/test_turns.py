"""One thing at a time per stream: what comes meanwhile is turned away, or waits behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from poller.engine.turns import Turns, Work

SOON = 5.0


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def turns(stop: threading.Event) -> Iterator[Turns]:
    made = Turns(2, stop)
    yield made
    made.close()


class Diary:
    """What was worked, in its order; the first entry waits until it is let go."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.held = threading.Event()
        self.written = threading.Semaphore(0)

    def entry(self, line: str, *, waits: bool = False) -> Work:
        def work() -> None:
            if waits:
                assert self.held.wait(SOON)
            self.lines.append(line)
            self.written.release()

        return work

    def has(self, count: int) -> bool:
        return all(self.written.acquire(timeout=SOON) for _ in range(count))


def test_who_is_offered_is_turned_away_and_who_queues_waits_behind(turns: Turns) -> None:
    diary = Diary()

    turns.offer("a", diary.entry("first", waits=True))
    turns.offer("a", diary.entry("turned away"))
    turns.queue("a", diary.entry("second"))
    turns.queue("a", diary.entry("third"))
    turns.queue("b", diary.entry("another stream"))
    assert diary.has(1)
    assert turns.busy in ({"a"}, {"a", "b"})
    diary.held.set()

    assert diary.has(3)
    assert diary.lines == ["another stream", "first", "second", "third"]


def test_a_defect_leaves_the_stream_free_for_the_next(turns: Turns) -> None:
    diary = Diary()

    def broken() -> None:
        raise RuntimeError("a defect")

    turns.queue("a", broken)
    turns.queue("a", diary.entry("after it"))

    assert diary.has(1)


def test_nothing_is_begun_once_it_is_to_stop(turns: Turns, stop: threading.Event) -> None:
    diary = Diary()
    turns.queue("a", diary.entry("under way", waits=True))
    turns.queue("a", diary.entry("behind it"))

    stop.set()
    turns.queue("b", diary.entry("too late"))
    diary.held.set()
    turns.close()

    assert diary.lines == ["under way"]
    assert turns.busy == frozenset()
