"""What a command writes with --json has the keys that its module explains, in that order."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing

import pytest

from poller.cli.reference import verbs
from poller.cli.reference_json import json_keys
from tests.cli.world import Desk

MORE: Mapping[str, tuple[str, ...]] = {
    "check": ("--offline",),
    "dead-letters show": ("1",),
    "dead-letters replay": ("--all", "--dry-run"),
    "dead-letters discard": ("--all", "--yes"),
    "watermark show": ("shop.orders",),
}
"""What has to stand behind a title to make it list something."""

FIXED = {title: list(keys) for title, keys in json_keys().items() if not isinstance(keys, str)}


def test_every_verb_that_takes_json_explains_its_keys_and_no_other_does() -> None:
    taking = {verb.title for verb in verbs() if "--json" in verb.options}

    assert taking == set(json_keys())


def test_every_key_has_a_meaning() -> None:
    for title, keys in json_keys().items():
        meanings = [keys] if isinstance(keys, str) else list(keys.values())
        assert all(meaning.strip() != "" and "|" not in meaning for meaning in meanings), title


@pytest.mark.parametrize("title", FIXED)
def test_the_keys_are_those_that_the_page_explains_in_its_order(desk: Desk, title: str) -> None:
    desk.config.write_text(desk.config.read_text().replace('key = "id"', 'key = "sku"'))
    for row in desk.api.world.newest():
        if row.id != 15:
            desk.api.world.update(row.id, row.at, sku=f"S-{row.id}")
    desk.run("once")
    _miss_a_slot(desk)

    written = desk.run(*title.split(), *MORE.get(title, ()), "--json").rows

    assert written
    assert all(list(row) == FIXED[title] for row in written)


def test_the_keys_of_a_query_are_the_columns_of_its_answer(desk: Desk) -> None:
    desk.run("once")

    written = desk.run("query", "select 1 as one, 2 as one", "--json").rows

    assert written == [{"one": 1, "one_2": 2}]


def _miss_a_slot(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.database)) as connection, connection:
        connection.execute(
            "INSERT INTO poller_missed_polls (stream_id, first_slot, last_slot, slots, reason, "
            "recorded_at) VALUES"
            " (1, '2026-09-21T10:00:00.000000Z', '2026-09-21T10:00:00.000000Z', 1, 'down', "
            "'2026-09-21T10:30:00.000000Z')"
        )
