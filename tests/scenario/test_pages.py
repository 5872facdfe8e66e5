"""Pages of odd lengths, empty pages, wrong totals, repeated keys: the end is the end, no row is skipped."""

from __future__ import annotations

import pytest

from tests.emulators.stamps import SECOND
from tests.scenario.conftest import OpenWorld
from tests.scenario.world import Rewritten, fill

PAGINGS = ["offset", "keyset_cursor", "offset_cursor", "after_key", "next_url", "keyset"]
CURSORS = ["keyset_cursor", "offset_cursor", "next_url"]


@pytest.mark.parametrize("paging", PAGINGS)
def test_a_server_that_sends_shorter_pages_than_asked_is_read_to_its_end(
    open_world: OpenWorld, paging: str
) -> None:
    world = open_world({"paging": paging, "cap": 7}, size=50)
    fill(world.model, 60)

    world.poll()

    assert world.mirror() == world.source.truth()
    assert max(entry.rows or 0 for entry in world.source.log) == 7


def test_a_capped_page_size_is_noticed(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset", "cap": 7}, size=50, since={"start": "2026-11-01T00:00:00Z"})
    fill(world.model, 60)

    world.poll()

    assert "page_capped" in world.notices()
    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("sort", ["asc", "desc", "key"])
@pytest.mark.parametrize("paging", ["offset", *CURSORS])
def test_pages_of_random_lengths_end_nothing_early(open_world: OpenWorld, paging: str, sort: str) -> None:
    world = open_world({"paging": paging, "sort": sort, "lengths": "random"}, seed=3)
    fill(world.model, 60, tied=8)

    world.poll()

    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("every", [2, 3])
@pytest.mark.parametrize("paging", CURSORS)
def test_an_empty_page_with_a_next_cursor_is_not_the_end(
    open_world: OpenWorld, paging: str, every: int
) -> None:
    world = open_world({"paging": paging, "empty_every": every})
    fill(world.model, 60)

    world.poll()

    assert world.mirror() == world.source.truth()
    assert any(entry.rows == 0 for entry in world.source.log[:-1])


@pytest.mark.parametrize("last_page", ["no_cursor", "to_empty", "itself"])
@pytest.mark.parametrize("paging", CURSORS)
def test_every_way_to_say_that_there_is_no_more_ends_the_scan(
    open_world: OpenWorld, paging: str, last_page: str
) -> None:
    world = open_world({"paging": paging, "last_page": last_page})
    fill(world.model, 60)

    world.poll()
    report = world.quiet_poll()

    assert world.mirror() == world.source.truth()
    assert report.requests <= 3


@pytest.mark.parametrize("paging", ["offset", "keyset_cursor"])
def test_a_wrong_total_ends_nothing(open_world: OpenWorld, paging: str) -> None:
    world = open_world({"paging": paging, "total": "wrong"}, page={"total": "total"})
    fill(world.model, 60)

    world.poll()

    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("place", [0, -1])
def test_of_one_key_twice_in_a_page_the_newer_version_stays(open_world: OpenWorld, place: int) -> None:
    world = open_world({"paging": "offset"})
    fill(world.model, 6)
    old = dict(world.source.truth()[3])
    world.pass_time()
    world.model.update(3)

    def repeat_an_old_version(page: dict[str, list[object]]) -> None:
        page["rows"].insert(place if place == 0 else len(page["rows"]), old)

    world.source.fault_next(*[Rewritten(repeat_an_old_version)] * 3)
    world.poll()

    assert world.mirror() == world.source.truth()
    assert [(change.key, change.version) for change in world.changes() if change.key == "3"] == [("3", 2)]


def test_a_key_may_stand_on_two_pages_and_makes_one_change_per_version(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset"})
    fill(world.model, 40, tied=30)

    world.poll()

    changes = world.changes()
    assert len({change.key for change in changes}) == len(changes) == 70


def test_a_keyset_behind_an_open_filter_goes_forward_in_small_pages(open_world: OpenWorld) -> None:
    world = open_world({"paging": "keyset", "compare": "open"}, size=3)
    fill(world.model, 20)
    world.model.insert(world.model.clock.now() - 400 * SECOND)

    world.poll()

    assert world.mirror() == world.source.truth()
