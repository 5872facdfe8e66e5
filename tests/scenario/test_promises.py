"""Every combination of settings that is called exact is: rows move, come and go during its scans."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from poller.bootstrap import House
from poller.config.load import load
from poller.config.promises import Cell, cells
from poller.core.grade import Grade
from poller.core.model import Order
from poller.core.position import SECOND
from poller.core.runs import Report, RunKind
from poller.http.redact import Redactor
from tests.core.model_api import ModelApi
from tests.core.test_scan import fill
from tests.scenario.books import Books
from tests.scenario.modelled import ModelServer
from tests.scenario.world import section

EXACT = [cell for cell in cells() if cell.grade is Grade.EXACT]
SINCE: Mapping[str, dict[str, Any]] = {
    "timestamp, closed": {"bound": "closed", "lookback": "2s"},
    "timestamp, open": {"bound": "open", "lookback": "2s"},
    "integer, closed": {"kind": "integer", "bound": "closed", "lookback": 3},
    "integer, open": {"kind": "integer", "bound": "open", "lookback": 3},
}
PAGING: Mapping[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "offset": ("offset", {"type": "offset"}, {"offset": "{offset}"}),
    "page": ("page", {"type": "page"}, {"page": "{page}"}),
    "cursor": ("keyset_cursor", {"type": "cursor", "next": "next"}, {"cursor": "{cursor}"}),
    "cursor, from_key": (
        "after_key",
        {"type": "cursor", "from_key": True, "more": "has_more"},
        {"cursor": "{key}"},
    ),
    "next_url": ("next_url", {"type": "next_url", "next": "next"}, {}),
    "link": ("link", {"type": "link"}, {}),
    "keyset": ("none", {"type": "keyset"}, {}),
}


@pytest.mark.parametrize("cell", EXACT, ids=str)
def test_what_is_called_exact_equals_the_api_after_the_next_quiet_poll(cell: Cell, tmp_path: Path) -> None:
    api = api_of(cell)
    fill(api, 45, 4 if cell.pager == "keyset" else 14)
    dice = random.Random(str(cell))
    with ModelServer(api) as server:
        file = tmp_path / "settings.toml"
        file.write_text(settings_text(cell, server.base_url, tmp_path / "mirror.db"))
        with closing(House(load(file, {}), Redactor())) as house, house.leased():
            api.before_answer = lambda moving: stir(moving, dice)
            for _ in range(2):
                poll(house)
                api.tick(5 * SECOND)
            api.before_answer = lambda _: None

            report = poll(house)

    assert report.error is None, report.error
    mirrored = {str(key): row["version"] for key, row in Books(tmp_path / "mirror.db").mirror().items()}
    truth = api.truth()
    assert {key: mirrored.get(key) for key in truth} == truth


def test_there_is_a_test_for_every_way_of_paging_that_is_ever_exact() -> None:
    assert {cell.pager for cell in EXACT} == set(PAGING)
    assert {cell.since for cell in EXACT} == {*SINCE, "no since"}


def api_of(cell: Cell) -> ModelApi:
    return ModelApi(
        paging=PAGING[cell.pager][0],
        sort=cell.order.value,
        ties="shuffled" if cell.ties == "unstable" and cell.order is not Order.KEY else "stable",
        compare="open" if cell.since.endswith("open") else "closed",
        kind=cell.since.split(",")[0] if cell.since.startswith("integer") else "timestamp",
        cap=1_000_000 if cell.pager == "keyset" else 8,
        seed=len(str(cell)),
    )


def stir(api: ModelApi, dice: random.Random) -> None:
    """Now and then a row is updated, added or deleted."""
    for _ in range(dice.choice([0, 0, 1, 2])):
        choice = dice.random()
        if choice < 0.2:
            api.insert()
        elif choice < 0.4:
            api.delete(dice.choice(list(api.rows)))
        else:
            api.update(dice.choice(list(api.rows)))


def poll(house: House) -> Report:
    """One poll; under movement it may fail, if it says so."""
    report = house.runner().poll(house.streams[0], RunKind.MANUAL)
    assert "defect" not in (report.error or "")
    return report


def settings_text(cell: Cell, base_url: str, database: Path) -> str:
    """The settings of that combination, as a user would write them."""
    _, page, params = PAGING[cell.pager]
    since = SINCE.get(cell.since)
    asked = {} if since is None else {"since": "{since}"}
    table = {
        "path": "/rows",
        "params": {**asked, **params, "limit": "{size}"},
        "records": "rows",
        "key": "id",
        "updated_at": "updated_at",
        "order": cell.order.value,
        "ties": cell.ties,
        "schedule": "1s",
        **({} if since is None else {"since": since}),
        "page": {**page, "size": 10},
    }
    retry = {"attempts": 2, "initial": "10ms", "maximum": "20ms", "jitter": "none"}
    return "\n".join(
        [
            *section("database", {"url": f"sqlite:///{database}"}),
            *section("daemon", {"spread": False}),
            *section("sources.api", {"base_url": base_url, "timeout": "5s", "retry": retry}),
            *section("sources.api.streams.rows", json.loads(json.dumps(table))),
        ]
    )
