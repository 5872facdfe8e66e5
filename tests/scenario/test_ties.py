"""More rows with one timestamp than a page holds: they are all read, or the run says that it cannot."""

from __future__ import annotations

from functools import partial

import pytest

from tests.emulators.stamps import SECOND, Stamp
from tests.emulators.world import World
from tests.scenario.conftest import OpenWorld
from tests.scenario.world import fill

STABLE = [
    ("offset", "asc"),
    ("offset", "desc"),
    ("offset", "key"),
    ("keyset_cursor", "asc"),
    ("keyset_cursor", "desc"),
    ("offset_cursor", "asc"),
    ("after_key", "asc"),
    ("next_url", "asc"),
    ("next_url", "desc"),
]


@pytest.mark.parametrize("compare", ["closed", "open_seconds"])
@pytest.mark.parametrize(("paging", "sort"), STABLE)
def test_a_tie_group_of_several_pages_is_read_whole(
    open_world: OpenWorld, paging: str, sort: str, compare: str
) -> None:
    world = open_world({"paging": paging, "sort": sort, "compare": compare, "cap": 10})
    fill(world.model, 30, tied=35)

    world.poll()
    world.pass_time()
    world.model.touch_many(range(1, 41))
    world.poll()

    assert world.mirror() == world.source.truth()


def test_a_tie_group_is_read_in_one_larger_page_where_the_server_allows_it(open_world: OpenWorld) -> None:
    world = open_world({"paging": "keyset"})
    fill(world.model, 30, tied=35)

    world.poll()

    assert world.mirror() == world.source.truth()
    assert max(entry.rows or 0 for entry in world.source.log) > 35


def test_ties_in_another_order_on_each_request_are_read_in_one_larger_page(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset", "ties": "shuffled"}, since={"start": "2026-11-01T00:00:00Z"})
    fill(world.model, 30, tied=35)

    world.poll()

    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_pages_of_random_lengths_over_shuffled_ties_are_never_called_complete_when_they_are_not(
    open_world: OpenWorld, seed: int
) -> None:
    api = {"paging": "offset", "ties": "shuffled", "lengths": "random"}
    world = open_world(api, seed=seed, since={"start": "2026-11-01T00:00:00Z"})
    fill(world.model, 12, tied=7)

    reports = [world.any_poll() for _ in range(3)]

    assert reports[-1].error is not None or world.mirror() == world.source.truth()


@pytest.mark.parametrize("api", [{"paging": "keyset"}, {"paging": "offset", "ties": "shuffled"}])
def test_a_tie_group_that_nothing_can_prove_complete_fails_the_run_and_leaves_the_watermark(
    open_world: OpenWorld, api: dict[str, str]
) -> None:
    world = open_world({**api, "cap": 10}, since={"start": "2026-11-01T00:00:00Z"})
    fill(world.model, 30, tied=35)

    report = world.failing_poll()

    assert "more records share the position" in (report.error or "")
    assert report.hint is not None
    assert world.watermark() is None


@pytest.mark.parametrize(("paging", "sort"), STABLE)
def test_a_tie_group_that_changes_while_it_is_read_loses_nobody(
    open_world: OpenWorld, paging: str, sort: str
) -> None:
    world = open_world({"paging": paging, "sort": sort, "cap": 10})
    fill(world.model, 10, tied=45)
    for number in (2, 4, 5, 7):
        world.source.after_response(number, partial(World.update, number=number + 5))

    world.pass_time()
    world.any_poll()
    world.quiet_poll()

    assert world.mirror() == world.source.truth()


def test_rows_inside_one_second_with_finer_stamps_are_one_group_until_the_filter_says_otherwise(
    open_world: OpenWorld,
) -> None:
    world = open_world({"paging": "offset", "stamp": Stamp(digits=6), "compare": "open_seconds"})
    moment = world.model.clock.now() - 60 * SECOND
    world.model.insert_many(40, moment, step=SECOND // 50)
    world.model.insert_many(10, moment + SECOND, step=SECOND // 10)

    world.poll()

    assert world.mirror() == world.source.truth()
