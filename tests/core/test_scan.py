"""Scans under movement: whatever moves between two answers, the mirror holds the truth in the end."""

from __future__ import annotations

import contextlib
import os
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from poller.core.errors import ScanError
from poller.core.model import Bound, Kind, Order, SinceRule, Stream
from poller.core.paging import Pager
from poller.core.path import Path
from poller.core.position import SECOND
from poller.core.request import Template
from poller.core.steps import NoticeKind
from poller.pagers.cursor import Cursor
from poller.pagers.keyset import Keyset
from poller.pagers.next_url import NextUrl
from poller.pagers.offset import Offset
from poller.pagers.page import PageNumber
from tests.core.model_api import BEGIN, ModelApi
from tests.core.model_memory import Crash, ModelMemory

PARAMS = (
    ("since", "{since}"),
    ("offset", "{offset}"),
    ("page", "{page}"),
    ("cursor", "{cursor}"),
    ("limit", "{size}"),
)

PAGERS: dict[str, Pager] = {
    "offset": Offset(size=10),
    "page": PageNumber(size=10),
    "page pages": PageNumber(size=10, pages=Path("pages")),
    "page total": PageNumber(size=10, total=Path("total")),
    "keyset_cursor": Cursor(size=10, next=Path("next")),
    "offset_cursor": Cursor(size=10, next=Path("next")),
    "after_key": Cursor(size=10, from_key=True, more=Path("has_more")),
    "next_url": NextUrl(size=10, next=Path("next")),
    "none": Keyset(size=10),
}


def stream_for(api: ModelApi, **changes: object) -> Stream:
    order = {"asc": Order.ASC, "desc": Order.DESC, "key": Order.KEY}.get(api.sort, Order.NONE)
    bound = Bound.CLOSED if api.compare == "closed" else Bound.OPEN
    rule = SinceRule(bound=bound, lookback=timedelta(seconds=0), how=api.how, kind=Kind(api.kind))
    stream = Stream(
        source="model",
        name="rows",
        table="rows",
        template=Template("GET", "/rows", PARAMS),
        pager=PAGERS[f"{api.paging} {api.counts}".strip()],
        schedule=None,  # type: ignore[arg-type]
        records=Path("rows"),
        key=(Path("id"),),
        updated_at=Path("updated_at"),
        order=order,
        ties="stable" if api.ties == "stable" else "unstable",
        since=rule,
    )
    return replace(stream, **changes)  # type: ignore[arg-type]


def fill(api: ModelApi, rows: int, tied: int) -> None:
    """``rows`` rows over time, with ``tied`` of them at one moment in the middle."""
    api.now = BEGIN - 86_400 * SECOND
    for number in range(rows):
        in_group = rows // 2 <= number < rows // 2 + tied
        api.tick(0 if in_group else SECOND)
        api.insert()
    api.now = BEGIN


def stir(api: ModelApi, rng: random.Random, moves: int, *, deletes: bool) -> None:
    for _ in range(moves):
        choice = rng.random()
        victims = list(api.rows)
        if choice < 0.15 or not victims:
            api.insert()
        elif choice < 0.25 and deletes:
            api.delete(rng.choice(victims))
        else:
            api.update(rng.choice(victims))


SEEDS = int(os.environ.get("POLLER_SCAN_SEEDS", "3"))

WORLDS = [
    pytest.param(dict(paging="offset", sort="asc"), id="offset asc"),
    pytest.param(dict(paging="offset", sort="asc", nulls="first"), id="offset asc nulls first"),
    pytest.param(dict(paging="offset", sort="asc", compare="open", digits=3), id="offset asc open ms"),
    pytest.param(
        dict(paging="offset", sort="asc", compare="truncated_open", digits=6), id="offset asc truncated"
    ),
    pytest.param(dict(paging="offset", sort="asc", compare="ignored"), id="offset asc since ignored"),
    pytest.param(dict(paging="offset", sort="asc", random_lengths=True), id="offset asc random lengths"),
    pytest.param(dict(paging="offset", sort="asc", dated=False), id="offset asc no Date"),
    pytest.param(dict(paging="offset", sort="asc", kind="integer"), id="offset asc integers"),
    pytest.param(
        dict(paging="offset", sort="asc", kind="integer", compare="open"), id="offset asc integers open"
    ),
    pytest.param(dict(paging="offset", sort="desc", kind="integer"), id="offset desc integers"),
    pytest.param(dict(paging="keyset_cursor", sort="asc", kind="integer"), id="keyset cursor asc integers"),
    pytest.param(dict(paging="page", sort="asc"), id="page asc"),
    pytest.param(dict(paging="page", sort="asc", compare="open"), id="page asc open"),
    pytest.param(dict(paging="page", sort="asc", compare="ignored"), id="page asc since ignored"),
    pytest.param(dict(paging="page", sort="asc", counts="pages"), id="page asc counts pages"),
    pytest.param(dict(paging="page", sort="asc", counts="total"), id="page asc counts rows"),
    pytest.param(dict(paging="page", sort="asc", nulls="first"), id="page asc nulls first"),
    pytest.param(dict(paging="page", sort="desc"), id="page desc"),
    pytest.param(dict(paging="page", sort="desc", counts="total"), id="page desc counts rows"),
    pytest.param(dict(paging="page", sort="key"), id="page key"),
    pytest.param(dict(paging="page", sort="key", counts="total"), id="page key counts rows"),
    pytest.param(dict(paging="page", sort="key", counts="pages"), id="page key counts pages"),
    pytest.param(dict(paging="offset", sort="desc"), id="offset desc"),
    pytest.param(dict(paging="offset", sort="key"), id="offset key"),
    pytest.param(dict(paging="offset", sort="key", random_lengths=True), id="offset key random lengths"),
    pytest.param(dict(paging="keyset_cursor", sort="asc"), id="keyset cursor asc"),
    pytest.param(dict(paging="keyset_cursor", sort="asc", nulls="first"), id="keyset cursor asc nulls first"),
    pytest.param(dict(paging="keyset_cursor", sort="desc"), id="keyset cursor desc"),
    pytest.param(dict(paging="keyset_cursor", sort="key"), id="keyset cursor key"),
    pytest.param(dict(paging="offset_cursor", sort="asc"), id="offset cursor asc"),
    pytest.param(dict(paging="offset_cursor", sort="asc", compare="open"), id="offset cursor asc open"),
    pytest.param(dict(paging="after_key", sort="asc"), id="after key asc"),
    pytest.param(dict(paging="after_key", sort="key"), id="after key by key"),
    pytest.param(dict(paging="next_url", sort="asc"), id="next url asc"),
    pytest.param(dict(paging="next_url", sort="desc"), id="next url desc"),
]


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("cap", [1_000_000, 7])
@pytest.mark.parametrize("tied", [0, 35])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_mirror_equals_the_truth_after_the_next_quiet_poll(
    world: dict[str, object], cap: int, tied: int, seed: int
) -> None:
    api = ModelApi(**world, cap=cap, seed=seed)  # type: ignore[arg-type]
    fill(api, 120, tied)
    if api.compare == "closed":
        api.insert(at=None)
    rng = random.Random(seed)
    deletes = api.paging != "after_key"
    pace = [0, 0, 0, 0, 0, 1] if api.random_lengths else [0, 0, 1, 3]
    api.before_answer = lambda moving: stir(moving, rng, rng.choice(pace), deletes=deletes)
    memory = ModelMemory(stream_for(api))

    for _ in range(4):
        with contextlib.suppress(ScanError):  # said aloud, nothing lost: the quiet poll has to mend it
            memory.poll(api)
        api.tick(5 * SECOND)
    api.before_answer = lambda _: None
    memory.poll(api)

    truth = api.truth()
    assert {key: memory.mirror().get(key) for key in truth} == truth
    writes = memory.total.inserted + memory.total.updated
    memory.poll(api)
    assert memory.total.inserted + memory.total.updated == writes


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize(
    "world",
    [
        pytest.param(dict(compare="closed"), id="closed"),
        pytest.param(dict(compare="open", digits=3), id="open"),
        pytest.param(dict(compare="truncated_open", digits=6), id="truncated"),
    ],
)
def test_a_keyset_scan_under_movement_ends_with_the_truth(world: dict[str, object], seed: int) -> None:
    api = ModelApi(**world, paging="none", cap=7, seed=seed)  # type: ignore[arg-type]
    fill(api, 80, 4)
    rng = random.Random(seed)
    api.before_answer = lambda moving: stir(moving, rng, rng.choice([0, 0, 0, 1]), deletes=True)
    memory = ModelMemory(stream_for(api))

    for _ in range(3):
        with contextlib.suppress(ScanError):
            memory.poll(api)
        api.tick(5 * SECOND)
    api.before_answer = lambda _: None
    memory.poll(api)

    truth = api.truth()
    assert {key: memory.mirror().get(key) for key in truth} == truth


def test_a_keyset_scan_asks_for_a_larger_page_when_a_tie_group_does_not_fit() -> None:
    api = ModelApi(paging="none")
    fill(api, 60, 35)
    memory = ModelMemory(stream_for(api))

    memory.poll(api)

    assert memory.mirror() == api.truth()
    assert max(int(dict(request.params)["limit"]) for request in api.requests) > 10


def test_a_keyset_scan_that_cannot_pass_a_tie_group_fails_and_leaves_the_watermark_before_it() -> None:
    api = ModelApi(paging="none", cap=10)
    fill(api, 60, 35)
    memory = ModelMemory(stream_for(api))

    with pytest.raises(ScanError, match="more records share the position"):
        memory.poll(api)

    assert memory.watermark is None


@pytest.mark.parametrize("world", WORLDS)
def test_a_scan_that_is_killed_at_any_commit_goes_on_and_misses_nothing(world: dict[str, object]) -> None:
    for crash_at in range(0, 30, 3):
        api = ModelApi(**world, cap=7, seed=crash_at)  # type: ignore[arg-type]
        fill(api, 90, 12)
        rng = random.Random(crash_at)
        deletes = api.paging != "after_key"
        api.before_answer = lambda moving, rng=rng, deletes=deletes: stir(  # type: ignore[misc]
            moving, rng, rng.choice([0, 0, 0, 1]), deletes=deletes
        )
        memory = ModelMemory(stream_for(api), crash_at=crash_at)

        with contextlib.suppress(Crash, ScanError):
            memory.poll(api)
        memory.crash_at = None
        api.tick(SECOND)
        with contextlib.suppress(ScanError):
            memory.poll(api)
        api.before_answer = lambda _: None
        api.tick(SECOND)
        memory.poll(api)

        truth = api.truth()
        assert {key: memory.mirror().get(key) for key in truth} == truth, f"crash at commit {crash_at}"


@pytest.mark.parametrize("paging", ["keyset_cursor", "offset_cursor", "next_url", "after_key"])
@pytest.mark.parametrize("sort", ["asc", "desc", "key"])
def test_a_cursor_that_expires_in_mid_scan_costs_no_row(paging: str, sort: str) -> None:
    api = ModelApi(paging=paging, sort=sort, cap=7)
    fill(api, 60, 12)
    memory = ModelMemory(stream_for(api))
    expiries = [4, 9]

    def kill_cursor(moving: ModelApi) -> None:
        if moving.answers in expiries:
            expiries.remove(moving.answers)
            moving.dead_cursors = True

    api.before_answer = kill_cursor
    memory.poll(api)

    assert memory.mirror() == api.truth()
    assert memory.watermark is not None


def test_cursors_that_always_expire_end_the_scan_with_an_error_that_says_so() -> None:
    api = ModelApi(paging="keyset_cursor", sort="desc", cap=7)
    fill(api, 60, 0)
    api.before_answer = lambda moving: setattr(moving, "dead_cursors", moving.answers % 3 == 2)
    memory = ModelMemory(stream_for(api))

    with pytest.raises(ScanError, match="expired 4 times"):
        memory.poll(api)

    assert memory.watermark is None
    assert NoticeKind.CURSOR_EXPIRED in memory.notices


@pytest.mark.parametrize("paging", ["offset", "offset_cursor"])
def test_an_order_that_is_not_kept_is_noticed_and_the_window_is_read_without_trusting_it(paging: str) -> None:
    api = ModelApi(paging=paging, sort="insertion", cap=7)
    fill(api, 60, 0)
    for number in (3, 17, 40):
        api.tick(SECOND)
        api.update(number)
    memory = ModelMemory(stream_for(api, order=Order.ASC))

    memory.poll(api)

    assert NoticeKind.ORDER_VIOLATED in memory.notices
    assert memory.mirror() == api.truth()


def test_shuffled_rows_under_offsets_are_never_called_complete_while_readings_differ() -> None:
    api = ModelApi(paging="offset", sort="shuffled", cap=7)
    fill(api, 200, 0)
    memory = ModelMemory(stream_for(api))

    with contextlib.suppress(ScanError):
        memory.poll(api)

    if memory.watermark is not None:
        assert memory.mirror() == api.truth()


def test_unstable_ties_that_fit_into_a_larger_page_are_read_in_one() -> None:
    api = ModelApi(paging="offset", ties="shuffled")
    fill(api, 100, 35)
    memory = ModelMemory(stream_for(api, since=SinceRule(start=BEGIN - 90_000 * SECOND)))

    memory.poll(api)

    assert memory.mirror() == api.truth()


def test_unstable_ties_that_fit_into_no_page_fail_and_say_what_to_look_for() -> None:
    api = ModelApi(paging="offset", ties="shuffled", cap=10)
    fill(api, 100, 35)
    memory = ModelMemory(stream_for(api, since=SinceRule(start=BEGIN - 90_000 * SECOND)))

    with pytest.raises(ScanError, match="order changes between requests") as caught:
        memory.poll(api)

    assert caught.value.hint is not None
    assert "key" in caught.value.hint
    assert memory.watermark is None


def test_an_api_that_ignores_the_row_number_is_found_out() -> None:
    api = ModelApi(paging="offset", sort="key")
    fill(api, 60, 0)
    api.ignores_offset = True
    memory = ModelMemory(stream_for(api))

    with pytest.raises(ScanError, match="ignores the row number"):
        memory.poll(api)


def test_a_quiet_poll_of_an_ascending_stream_costs_two_requests_by_offset_and_one_by_cursor() -> None:
    costs = {}
    for paging in ("offset", "keyset_cursor", "next_url"):
        api = ModelApi(paging=paging)
        fill(api, 60, 0)
        memory = ModelMemory(stream_for(api))
        memory.poll(api)
        before = memory.fetches
        memory.poll(api)
        costs[paging] = memory.fetches - before

    assert costs == {"offset": 2, "keyset_cursor": 1, "next_url": 1}


def test_a_row_dated_years_ahead_is_kept_and_does_not_move_the_watermark() -> None:
    api = ModelApi(paging="offset")
    fill(api, 30, 0)
    newest = max(row.at or 0 for row in api.rows.values())
    api.insert(at=BEGIN + 3 * 365 * 86_400 * SECOND)
    memory = ModelMemory(stream_for(api))

    memory.poll(api)
    api.tick(SECOND)
    late = api.insert()
    memory.poll(api)

    assert memory.mirror() == api.truth()
    assert memory.watermark == api.rows[late].at
    assert memory.watermark is not None
    assert memory.watermark > newest
    assert NoticeKind.POSITION_AHEAD in memory.notices


@pytest.mark.parametrize("nulls", ["first", "last"])
@pytest.mark.parametrize("paging", ["offset", "keyset_cursor", "offset_cursor", "next_url", "after_key"])
def test_rows_without_a_position_are_mirrored_by_the_first_load(paging: str, nulls: str) -> None:
    api = ModelApi(paging=paging, nulls=nulls, cap=7)
    fill(api, 40, 0)
    for _ in range(9):
        api.insert(at=None)
    memory = ModelMemory(stream_for(api))

    memory.poll(api)

    assert memory.mirror() == api.truth()
    assert NoticeKind.POSITION_MISSING in memory.notices


def test_without_the_servers_clock_a_scan_in_no_certain_order_trails_one_poll_behind() -> None:
    api = ModelApi(paging="keyset_cursor", sort="desc", dated=False)
    fill(api, 30, 0)
    newest = max(row.at or 0 for row in api.rows.values())
    memory = ModelMemory(stream_for(api))

    memory.poll(api)
    after_first = memory.watermark
    api.tick(SECOND)
    api.insert()
    memory.poll(api)

    assert after_first is None
    assert memory.watermark == newest
    assert memory.mirror() == api.truth()


def test_settle_keeps_the_watermark_out_of_the_newest_stretch() -> None:
    api = ModelApi(paging="offset")
    fill(api, 30, 0)
    api.now = max(row.at or 0 for row in api.rows.values())
    rule = SinceRule(settle=timedelta(seconds=10))
    memory = ModelMemory(stream_for(api, since=rule))

    memory.poll(api)

    assert memory.watermark is not None
    assert memory.watermark <= api.now - 9 * SECOND


def test_rows_that_become_visible_late_are_found_by_the_lookback() -> None:
    api = ModelApi(paging="offset")
    fill(api, 30, 0)
    memory = ModelMemory(stream_for(api, since=SinceRule(lookback=timedelta(seconds=20))))
    memory.poll(api)
    api.tick(SECOND)
    api.insert()
    stamped = api.now - 12 * SECOND
    memory.poll(api)

    api.insert(at=stamped)
    memory.poll(api)

    assert memory.mirror() == api.truth()


@pytest.mark.parametrize("sort", ["desc", "key", "insertion"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_deletes_slide_no_row_past_a_cursor_that_is_an_offset_in_disguise(sort: str, seed: int) -> None:
    api = ModelApi(paging="offset_cursor", sort=sort, cap=7, seed=seed)
    fill(api, 150, 0)
    rng = random.Random(seed)
    deletions = iter([3, 0, 2, 0, 0, 1, 4])
    memory = ModelMemory(stream_for(api))

    def delete_some(moving: ModelApi) -> None:
        for number in rng.sample(
            sorted(moving.rows)[-60 if sort == "desc" else 0 :][:60], next(deletions, 0)
        ):
            moving.delete(number)

    api.before_answer = delete_some
    memory.poll(api)

    truth = api.truth()
    assert {key: memory.mirror().get(key) for key in truth} == truth


@pytest.mark.parametrize("paging", ["offset", "keyset_cursor", "offset_cursor", "next_url"])
@pytest.mark.parametrize("sort", ["asc", "desc", "key", "insertion"])
def test_rejected_records_wherever_they_stand_block_no_scan(paging: str, sort: str) -> None:
    api = ModelApi(paging=paging, sort=sort, cap=7)
    fill(api, 41, 10)
    memory = ModelMemory(stream_for(api))
    keyless = [1, 2, 20, 40, 41]
    api.without_key = set(keyless)

    memory.poll(api)
    memory.poll(api)

    assert memory.mirror() == {key: value for key, value in api.truth().items() if int(key) not in keyless}
    assert len(api.requests) < 80


def test_a_server_clock_that_is_years_ahead_is_not_believed() -> None:
    api = ModelApi(paging="offset", sort="desc")
    fill(api, 30, 0)
    years_ahead = BEGIN + 70 * 365 * 86_400 * SECOND
    api.insert(at=years_ahead)
    memory = ModelMemory(stream_for(api))
    now = api.clock()
    api.clock = lambda: now  # type: ignore[method-assign]  # our own clock, which is right
    api.now = years_ahead + SECOND

    memory.poll(api)

    assert memory.watermark is None
    assert NoticeKind.CLOCK_AHEAD in memory.notices
