"""What waits for the end of a hold, in what order it is woken, and what the ledger hears of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from poller.core.errors import SettingsError, StoreUnavailable
from poller.core.ledger import Lapse, Reason
from poller.core.model import Stream
from poller.engine.held import AHEAD, ROUSED, Held
from poller.engine.turns import Work
from tests.store.world import ISSUES

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ORDERS = replace(ISSUES, name="orders")
NOTES = replace(ISSUES, name="notes")
ELSEWHERE = replace(ISSUES, source="shop")


class World:
    """Holds of sources, by the seconds that a hand moves on."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.ends = {"crm": 30.0}
        self.error: Exception | None = None
        self.done: list[str] = []
        self.held = Held(self.left, self.clock, lambda: self.passed)

    def left(self, source: str) -> float:
        if self.error is not None:
            raise self.error
        return max(0.0, self.ends.get(source, 0.0) - self.passed)

    def clock(self) -> datetime:
        return NOON + timedelta(seconds=self.passed)

    def work(self, word: str) -> Work:
        return lambda: self.done.append(word)

    def comes(self, stream: Stream, kind: str = "poll") -> bool:
        return self.held.puts_off(stream, kind, self.work(f"{kind} of {stream.name}"))

    def woken(self, **polled_at: int) -> list[str]:
        """The names of the streams of ``crm`` whose work is given back now."""
        moments = {f"crm.{name}": NOON - timedelta(minutes=ago) for name, ago in polled_at.items()}
        names = []
        for name, work in self.held.over(moments):
            work()
            names.append(name.removeprefix("crm."))
        return names


@pytest.fixture
def world() -> World:
    return World()


def test_only_what_concerns_a_held_source_is_put_off(world: World) -> None:
    assert world.comes(ISSUES)
    assert not world.comes(ELSEWHERE)

    assert world.held.streams == {"crm.issues"}
    assert world.woken() == []


def test_when_the_hold_ends_the_stream_that_was_polled_longest_ago_goes_ahead(world: World) -> None:
    for stream in (ISSUES, ORDERS, NOTES):
        world.comes(stream)

    world.passed = 30.0
    first = world.woken(issues=1, orders=3, notes=2)
    world.passed += AHEAD
    others = world.woken(issues=1, orders=0, notes=2)

    assert first == ["orders"]
    assert others == ["notes", "issues"]
    assert world.woken() == []


def test_a_hold_that_is_longer_by_now_keeps_the_others(world: World) -> None:
    world.comes(ISSUES)
    world.comes(ORDERS)
    world.passed = 30.0
    assert world.woken(issues=1) == ["orders"]

    world.ends["crm"] = 60.0
    world.comes(ORDERS)
    world.passed += AHEAD
    assert world.woken() == ["issues"]
    world.comes(ISSUES)

    world.passed = 59.0
    assert world.woken() == []


def test_each_kind_of_work_waits_once(world: World) -> None:
    world.comes(ISSUES)
    world.comes(ISSUES, "once 7")
    world.comes(ISSUES)

    world.passed = 30.0
    world.woken()

    assert sorted(world.done) == ["once 7 of issues", "poll of issues"]


def test_what_is_done_meanwhile_waits_no_more(world: World) -> None:
    world.comes(ISSUES)
    world.ends["crm"] = 0.0

    assert not world.comes(ISSUES)

    assert world.held.streams == frozenset()


def test_the_ledger_hears_of_the_slot_that_was_due_and_of_all_until_the_stream_is_woken(world: World) -> None:
    world.passed = 20.0
    world.comes(ISSUES)

    (lapse,) = world.held.lapses("crm.issues")

    assert lapse == Lapse(NOON, NOON + timedelta(seconds=30) + ROUSED, Reason.RATE_LIMITED)
    assert world.held.lapses("crm.orders") == ()


def test_a_hold_that_is_prolonged_is_one_lapse(world: World) -> None:
    world.comes(ISSUES)
    world.passed, world.ends["crm"] = 31.0, 500.0

    world.comes(ISSUES)
    world.passed = 400.0
    world.comes(ISSUES)

    (lapse,) = world.held.lapses("crm.issues")
    assert lapse == Lapse(NOON, NOON + timedelta(seconds=500) + ROUSED, Reason.RATE_LIMITED)


def test_a_later_hold_is_another_one(world: World) -> None:
    world.comes(ISSUES)
    world.passed, world.ends["crm"] = 3600.0, 3700.0

    world.comes(ISSUES)

    (lapse,) = world.held.lapses("crm.issues")
    assert lapse.start == NOON + timedelta(hours=1)


@pytest.mark.parametrize("error", [StoreUnavailable("away"), SettingsError("no such source")])
def test_what_cannot_be_known_is_left_to_the_poll(world: World, error: Exception) -> None:
    world.error = error

    assert not world.comes(ISSUES)
