"""A reset at the worst moment: between looking at a stream and beginning its run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from poller.core.command import Move
from poller.core.ledger import Liveness
from poller.core.model import Stream
from poller.core.runs import OpenRun, Outcome, RunKind
from poller.store.memory import Memory
from poller.store.streams import move_watermark
from tests.scenario.conftest import OpenWorld
from tests.scenario.world import World, fill


@dataclass
class ResetMeanwhile:
    """A memory in front of the real one: before it begins a run, somebody resets the watermark."""

    world: World
    memory: Memory

    def begin(self, stream: Stream, kind: RunKind, now: datetime, liveness: Liveness | None) -> OpenRun:
        move_watermark(self.world.house.database, Move(str(stream), None, None, "somebody", "a test"))
        return self.memory.begin(stream, kind, now, liveness)

    def __getattr__(self, name: str) -> object:
        return getattr(self.memory, name)


@pytest.mark.parametrize("paging", ["offset", "keyset_cursor"])
def test_a_reset_while_a_run_begins_is_not_undone_by_that_run(open_world: OpenWorld, paging: str) -> None:
    world = open_world({"paging": paging})
    fill(world.model, 60)
    world.poll()
    runner = world.house.runner()
    meddled = replace(runner, memory=ResetMeanwhile(world, world.house.memory))  # type: ignore[arg-type]

    world.pass_time()
    report = meddled.poll(world.stream, RunKind.MANUAL)

    assert report.outcome is Outcome.FAILED
    assert world.watermark() is None
    world.poll()
    assert world.watermark() is not None
    assert world.mirror() == world.source.truth()
