"""A record that spoils its whole page is found by smaller pages, and passed where that can be done safely."""

from __future__ import annotations

import contextlib
import random

import pytest

from poller.core.errors import Category, FetchError, ScanError
from poller.core.position import SECOND
from poller.core.steps import NoticeKind
from tests.core.model_api import ModelApi
from tests.core.model_memory import Crash, ModelMemory
from tests.core.test_scan import fill, stir, stream_for


def loaded(sort: str, paging: str = "offset", **world: object) -> tuple[ModelApi, ModelMemory]:
    """40 rows that are mirrored, and 30 more that are not."""
    api = ModelApi(paging=paging, sort=sort, **world)  # type: ignore[arg-type]
    fill(api, 40, 0)
    memory = ModelMemory(stream_for(api))
    memory.poll(api)
    for _ in range(30):
        api.tick(SECOND)
        api.insert()
    return api, memory


def readable(api: ModelApi) -> dict[str, int]:
    return {key: version for key, version in api.truth().items() if int(key) not in api.spoilt}


@pytest.mark.parametrize("spoilt", [{41}, {55}, {70}, {45, 62}, {50, 51}, {41, 42, 43}, {69, 70}])
def test_rows_beside_a_spoilt_record_are_mirrored_and_it_is_a_dead_letter(spoilt: set[int]) -> None:
    api, memory = loaded("asc")
    api.spoilt = spoilt

    memory.poll(api)

    assert memory.mirror() == readable(api)
    assert len(set(memory.rejects)) >= 1
    assert NoticeKind.PAGE_UNREADABLE in memory.notices
    assert memory.watermark is not None


@pytest.mark.parametrize("paging", ["keyset_cursor", "after_key", "none", "page"])
def test_where_nothing_leads_past_it_the_run_fails_with_all_in_front_of_it_mirrored(paging: str) -> None:
    api, memory = loaded("asc", paging)
    before = memory.watermark
    api.spoilt = {60}

    with pytest.raises(FetchError) as caught:
        memory.poll(api)

    assert caught.value.category is Category.SHAPE
    assert {key for key in memory.mirror() if int(key) < 60} == {key for key in api.truth() if int(key) < 60}
    assert memory.watermark == before
    api.spoilt = set()
    memory.poll(api)
    assert memory.mirror() == api.truth()


def test_an_api_that_answers_with_garbage_everywhere_is_down_and_no_row_is_skipped() -> None:
    api, memory = loaded("asc")
    before = memory.watermark
    api.spoilt = set(api.rows)

    with pytest.raises(FetchError):
        memory.poll(api)

    assert memory.rejects == []
    assert memory.watermark == before
    assert len(api.requests) < 40


def test_a_stream_that_was_never_readable_fails_at_once() -> None:
    api = ModelApi(paging="offset")
    fill(api, 20, 0)
    api.spoilt = {3}
    memory = ModelMemory(stream_for(api))

    with pytest.raises(FetchError):
        memory.poll(api)

    assert len(api.requests) == 1


@pytest.mark.parametrize("sort", ["desc", "key"])
def test_in_other_orders_the_run_fails_and_nothing_is_skipped(sort: str) -> None:
    api, memory = loaded(sort)
    before = memory.watermark
    api.spoilt = {55}

    with pytest.raises(FetchError):
        memory.poll(api)

    assert memory.watermark == before
    api.spoilt = set()
    memory.poll(api)
    assert memory.mirror() == api.truth()


@pytest.mark.parametrize("seed", range(12))
def test_rows_that_move_beside_a_spoilt_record_are_not_lost(seed: int) -> None:
    api, memory = loaded("asc")
    api.spoilt = {48}
    dice = random.Random(seed)
    api.before_answer = lambda moving: stir(moving, dice, dice.choice([0, 0, 1, 2]), deletes=True)

    for _ in range(3):
        with contextlib.suppress(FetchError, ScanError):
            memory.poll(api)
        api.tick(5 * SECOND)
    api.before_answer = lambda _: None
    memory.poll(api)

    truth = readable(api)
    assert {key: memory.mirror().get(key) for key in truth} == truth


@pytest.mark.parametrize("crash_at", range(12))
def test_a_crash_beside_a_spoilt_record_costs_nothing(crash_at: int) -> None:
    api, memory = loaded("asc")
    api.spoilt = {55}
    memory.crash_at = memory.commits + crash_at

    with contextlib.suppress(Crash):
        memory.poll(api)
    memory.crash_at = None
    memory.poll(api)

    assert memory.mirror() == readable(api)
