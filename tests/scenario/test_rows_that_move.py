"""Rows are updated and deleted while a scan runs: everything slides, and nothing is lost."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.emulators.faults import Status
from tests.emulators.stamps import SECOND
from tests.emulators.world import World as Model
from tests.scenario.conftest import OpenWorld
from tests.scenario.world import fill

EVERY_STYLE = [
    {"paging": "offset", "sort": "asc"},
    {"paging": "offset", "sort": "desc"},
    {"paging": "offset", "sort": "key"},
    {"paging": "keyset_cursor", "sort": "asc"},
    {"paging": "keyset_cursor", "sort": "desc"},
    {"paging": "offset_cursor", "sort": "asc"},
    {"paging": "after_key", "sort": "asc"},
    {"paging": "after_key", "sort": "key"},
    {"paging": "next_url", "sort": "asc", "steps": "by_row"},
    {"paging": "next_url", "sort": "asc", "steps": "by_offset"},
    {"paging": "keyset", "sort": "asc"},
]


def label(api: dict[str, str]) -> str:
    return " ".join(api.values())


def touch(*numbers: int) -> Callable[[Model], None]:
    """A second passes and these rows are updated."""

    def moved(model: Model) -> None:
        model.clock.advance(1)
        for number in numbers:
            model.update(number)

    return moved


def remove(*numbers: int) -> Callable[[Model], None]:
    """These rows are deleted."""

    def removed(model: Model) -> None:
        for number in numbers:
            model.delete(number)

    return removed


@pytest.mark.parametrize("api", EVERY_STYLE, ids=label)
def test_one_update_of_a_row_already_read_lets_no_other_row_slide_past(
    open_world: OpenWorld, api: dict[str, str]
) -> None:
    world = open_world(api)
    fill(world.model, 60)
    world.source.after_response(1, touch(1))
    world.source.after_response(3, touch(2, 3, 4))
    world.source.after_response(5, touch(58, 30))

    world.poll()
    world.quiet_poll()

    assert world.mirror() == world.source.truth()


NOT_BY_KEY = [api for api in EVERY_STYLE if api["paging"] != "after_key"]
"""Where the cursor is a key, it dies with its row: a story of its own in test_cursors."""


@pytest.mark.parametrize("api", NOT_BY_KEY, ids=label)
def test_deletes_during_a_scan_cost_no_other_row(open_world: OpenWorld, api: dict[str, str]) -> None:
    world = open_world(api)
    fill(world.model, 60)
    world.source.after_response(1, remove(1, 2, 60))
    world.source.after_response(2, remove(5, 59, 31))
    world.source.after_response(4, remove(6))

    world.poll()
    world.quiet_poll()

    assert world.mirror_of_the_living() == world.source.truth()


def test_an_unread_row_that_jumps_in_front_of_a_newest_first_scan_comes_with_the_next_poll(
    open_world: OpenWorld,
) -> None:
    world = open_world({"paging": "offset", "sort": "desc"})
    fill(world.model, 60)
    world.source.after_response(2, touch(1, 2, 3))

    world.poll()
    watermark = world.watermark()
    world.quiet_poll()

    assert watermark is not None
    assert watermark <= world.model.row(1).at  # type: ignore[operator]
    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("paging", ["offset", "keyset_cursor", "offset_cursor", "after_key", "next_url"])
def test_a_newest_first_scan_that_breaks_off_leaves_the_watermark_where_it_was(
    open_world: OpenWorld, paging: str
) -> None:
    world = open_world({"paging": paging, "sort": "desc"})
    fill(world.model, 60)
    world.poll()
    before = world.watermark()
    world.pass_time(30)
    world.model.touch_many(range(1, 31))
    world.model.insert_many(25)
    world.source.fault(world.source.requests + 2, *[Status(500)] * 3)

    broken = world.failing_poll()
    after_failure = world.watermark()
    world.source.be_quiet()
    world.poll()

    assert "HTTP 500" in (broken.error or "")
    assert after_failure == before
    assert world.mirror() == world.source.truth()
    assert world.watermark() == world.source.clock.now()


def test_a_scan_that_broke_off_goes_on_in_another_process(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset", "sort": "asc"})
    fill(world.model, 60)
    world.source.fault(6, *[Status(503)] * 3)

    world.failing_poll()
    read_before = len(world.mirror())
    world.model.update(1)
    world.restart()
    report = world.poll()

    assert 30 <= read_before < 60
    assert report.done.inserted == 60 - read_before
    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("api", EVERY_STYLE[:3], ids=label)
def test_a_row_is_updated_or_deleted_between_any_two_pages_of_an_offset_scan(
    open_world: OpenWorld, api: dict[str, str], seed: int
) -> None:
    world = open_world(api, seed=seed)
    fill(world.model, 50, tied=12)
    dice = random.Random(seed)

    def stir(model: Model) -> None:
        model.clock.advance(1)
        alive = model.ids()
        (model.delete if dice.random() < 0.3 and len(alive) > 30 else model.update)(dice.choice(alive))

    world.source.between_pages(stir)
    for _ in range(2):
        world.any_poll()
    world.quiet_poll()

    assert world.mirror_of_the_living() == world.source.truth()


def test_rows_in_no_order_are_read_until_a_reading_brings_nothing_new(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset", "sort": "insertion"})
    fill(world.model, 60)
    world.source.after_response(2, lambda model: model.delete(1))
    world.source.after_response(4, touch(50))

    world.poll()
    world.quiet_poll()

    assert world.mirror_of_the_living() == world.source.truth()


def test_shuffled_rows_under_row_numbers_are_never_called_complete_when_they_are_not(
    open_world: OpenWorld,
) -> None:
    world = open_world({"paging": "offset", "sort": "shuffled"})
    fill(world.model, 150)

    report = world.any_poll()

    assert (report.error is not None and world.watermark() is None) or world.mirror() == world.source.truth()


@pytest.mark.parametrize("paging", ["offset", "offset_cursor", "keyset_cursor", "next_url"])
def test_an_order_that_is_not_kept_is_noticed_and_nothing_rests_on_it(
    open_world: OpenWorld, paging: str
) -> None:
    world = open_world({"paging": paging, "sort": "insertion"}, order="asc")
    fill(world.model, 60)
    world.model.touch_many([3, 17, 40], world.model.clock.now() - 5 * SECOND)
    world.model.touch_many([55], world.model.clock.now() - 300 * SECOND)

    world.poll()

    assert "order_violated" in world.notices()
    assert world.mirror() == world.source.truth()


def test_a_keyset_scan_in_the_wrong_order_fails_and_says_what_to_ask_for(open_world: OpenWorld) -> None:
    world = open_world({"paging": "keyset", "sort": "desc"}, order="asc")
    fill(world.model, 60)

    report = world.failing_poll()

    assert "not in it" in (report.error or "")
    assert "sort ascending" in (report.hint or "")
    assert world.watermark() is None
