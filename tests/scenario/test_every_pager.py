"""The promise, once per way of paging: 3,000 rows in motion, and the mirror equals the model."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.emulators.stamps import SECOND
from tests.emulators.world import World as Model
from tests.scenario.conftest import OpenWorld
from tests.scenario.world import World

ROWS, TIED, UPDATES, INSERTS = 3_000, 400, 200, 50
EVERY_PAGER: dict[str, dict[str, Any]] = {
    "offset asc": {"paging": "offset", "sort": "asc", "cap": 70},
    "offset desc": {"paging": "offset", "sort": "desc", "cap": 70},
    "offset key": {"paging": "offset", "sort": "key", "cap": 70},
    "cursor of the last row": {"paging": "keyset_cursor", "sort": "asc", "cap": 70},
    "cursor of the last row, newest first": {"paging": "keyset_cursor", "sort": "desc", "cap": 70},
    "cursor that is an offset": {"paging": "offset_cursor", "sort": "asc", "cap": 70},
    "cursor from the key": {"paging": "after_key", "sort": "asc", "cap": 70},
    "next url": {"paging": "next_url", "sort": "asc", "cap": 70},
    "next url that is an offset": {"paging": "next_url", "sort": "asc", "steps": "by_offset", "cap": 70},
    "keyset": {"paging": "keyset", "sort": "asc"},
}


@pytest.mark.parametrize("api", EVERY_PAGER.values(), ids=EVERY_PAGER)
def test_the_mirror_equals_the_model_after_the_next_quiet_poll_and_then_nothing_is_written(
    open_world: OpenWorld, api: dict[str, Any]
) -> None:
    world = open_world(api, size=100)
    fill_with_ties(world)
    move_between_pages(world)

    world.poll()
    world.source.be_quiet()
    world.quiet_poll()

    assert world.mirror() == world.source.truth()
    assert len(world.mirror()) == ROWS + INSERTS
    settled, changes = world.snapshot(), world.changes()
    report = world.quiet_poll()
    assert (report.done.inserted, report.done.updated) == (0, 0)
    assert world.snapshot() == settled
    assert world.changes() == changes
    assert [change.seq for change in changes] == list(range(1, len(changes) + 1))


def test_a_keyset_that_cannot_pass_the_ties_says_so_and_keeps_its_watermark(open_world: OpenWorld) -> None:
    world = open_world({"paging": "keyset", "sort": "asc", "cap": 70}, size=100)
    fill_with_ties(world)
    move_between_pages(world)

    report = world.failing_poll()

    assert "more records share the position" in (report.error or "")
    assert report.hint is not None
    assert world.watermark() is None


def fill_with_ties(world: World) -> None:
    """3,000 rows over the last hour, 400 of them at one moment."""
    first = world.source.clock.now() - 3600 * SECOND
    before = (ROWS - TIED) // 2
    world.model.insert_many(before, first, step=SECOND)
    world.model.insert_many(TIED, first + before * SECOND)
    world.model.insert_many(ROWS - TIED - before, first + (before + 1) * SECOND, step=SECOND)


def move_between_pages(world: World) -> None:
    """All updates and inserts happen between pages of the scan that comes, spread over all of it."""
    dice = random.Random(7)
    moves = [world.model.insert] * INSERTS + [lambda: world.model.update(dice.randint(1, ROWS))] * UPDATES
    dice.shuffle(moves)

    def stir(model: Model) -> None:
        model.clock.advance(1)
        for move in [moves.pop() for _ in range(min(12, len(moves)))]:
            move()

    world.source.between_pages(stir)
