"""Scans under movement: whatever moves between two answers, the mirror holds the truth in the end."""

from __future__ import annotations

import contextlib
import os
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from poller.core.errors import ScanError
from poller.core.model import Bound, Order, SinceRule, Stream
from poller.core.paging import Pager
from poller.core.path import Path
from poller.core.position import SECOND
from poller.core.request import Template
from poller.core.steps import NoticeKind
from poller.pagers.cursor import Cursor
from poller.pagers.keyset import Keyset
from poller.pagers.next_url import NextUrl
from poller.pagers.offset import Offset

from tests.core.model_api import BEGIN, ModelApi
from tests.core.model_memory import Crash, ModelMemory

PARAMS = (("since", "{since}"), ("offset", "{offset}"), ("cursor", "{cursor}"), ("limit", "{size}"))

PAGERS: dict[str, Pager] = {
    "offset": Offset(size=10),
    "keyset_cursor": Cursor(size=10, next=Path("next")),
    "offset_cursor": Cursor(size=10, next=Path("next")),
    "after_key": Cursor(size=10, from_key=True, more=Path("has_more")),
    "next_url": NextUrl(size=10, next=Path("next")),
    "none": Keyset(size=10),
}


def stream_for(api: ModelApi, **changes: object) -> Stream:
    order = {"asc": Order.ASC, "desc": Order.DESC, "key": Order.KEY}.get(api.sort, Order.NONE)
    bound = Bound.CLOSED if api.compare == "closed" else Bound.OPEN
    rule = SinceRule(bound=bound, lookback=timedelta(seconds=0))
    stream = Stream(
        source="model",
        name="rows",
        table="rows",
        template=Template("GET", "/rows", PARAMS),
        pager=PAGERS[api.paging],
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


def stir(api: ModelApi, rng: random.Random, moves: int, deletes: bool) -> None:
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
    pytest.param(dict(paging="offset", sort="asc", compare="truncated_open", digits=6), id="offset asc truncated"),
    pytest.param(dict(paging="offset", sort="asc", compare="ignored"), id="offset asc since ignored"),
    pytest.param(dict(paging="offset", sort="asc", random_lengths=True), id="offset asc random lengths"),
    pytest.param(dict(paging="offset", sort="asc", dated=False), id="offset asc no Date"),
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
    deletes = api.paging not in ("after_key",)
    pace = [0, 0, 0, 0, 0, 1] if api.random_lengths else [0, 0, 1, 3]
    api.before_answer = lambda moving: stir(moving, rng, rng.choice(pace), deletes)
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
