"""A hold lasts as long as the API asked for, whatever becomes of the wall clock meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from poller.core.permits import Tick
from poller.http.holds import Hold
from tests.http.world import StoredHolds


class Clocks:
    """A wall clock that can be set, and one that cannot."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 11, 21, 12, tzinfo=UTC)
        self.steady = 100.0

    def pass_by(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.steady += seconds

    def hold(self, stored: StoredHolds) -> Hold:
        return Hold("shop", stored, lambda: self.wall, lambda: Tick("b1", self.steady))


@pytest.mark.parametrize("by", [timedelta(days=1), timedelta(days=-1)], ids=["forward", "back"])
def test_a_wall_clock_that_is_set_neither_shortens_nor_lengthens_a_hold(by: timedelta) -> None:
    clocks = Clocks()
    hold = clocks.hold(StoredHolds())
    hold.place(60, "HTTP 429 asked for 60 s")

    clocks.wall += by
    clocks.pass_by(20)

    assert hold.seconds() == pytest.approx(40)
    clocks.pass_by(41)
    assert hold.seconds() == 0.0


def test_a_shorter_hold_leaves_the_longer_one() -> None:
    clocks = Clocks()
    hold = clocks.hold(StoredHolds())
    hold.place(60, "long")
    hold.place(5, "short")

    clocks.pass_by(10)

    assert hold.seconds() == pytest.approx(50)


def test_a_hold_of_an_earlier_life_is_measured_by_the_wall_clock() -> None:
    clocks, stored = Clocks(), StoredHolds()
    clocks.hold(stored).place(60, "before the restart")

    clocks.pass_by(20)

    assert clocks.hold(stored).seconds() == pytest.approx(40)


def test_a_hold_that_somebody_lifted_is_over() -> None:
    clocks, stored = Clocks(), StoredHolds()
    hold = clocks.hold(stored)
    hold.place(60, "HTTP 429 asked for 60 s")

    del stored.until["shop"]

    assert hold.seconds() == 0.0


def test_a_hold_after_the_clock_went_back_counts_beside_an_older_one_that_looks_longer() -> None:
    clocks = Clocks()
    hold = clocks.hold(StoredHolds())
    hold.place(60, "HTTP 429 asked for 60 s")
    clocks.pass_by(70)
    clocks.wall -= timedelta(days=1)

    hold.place(30, "HTTP 429 asked for 30 s")

    assert hold.seconds() == pytest.approx(30)


def test_a_longer_hold_that_another_process_placed_counts() -> None:
    clocks, stored = Clocks(), StoredHolds()
    hold = clocks.hold(stored)
    hold.place(5, "ours")

    stored.hold("shop", clocks.wall + timedelta(seconds=60), "theirs")

    assert hold.seconds() == pytest.approx(60)
