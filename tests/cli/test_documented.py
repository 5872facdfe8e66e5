"""docs/json.md has the keys that the commands write; docs/reference/commands.md, every option."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from poller.cli import call
from poller.cli.app import COMMANDS
from tests.cli.world import Desk

LISTS = {
    "check": ("check", "--offline"),
    "once": ("once",),
    "status": ("status",),
    "changes": ("changes",),
    "runs": ("runs",),
    "missed": ("missed",),
    "watermark list": ("watermark", "list"),
    "dead-letters list": ("dead-letters", "list"),
    "db current": ("db", "current"),
}
VERBS = [
    *((name,) for name in COMMANDS),
    *(("watermark", verb) for verb in ("list", "show", "reset")),
    *(("dead-letters", verb) for verb in ("list", "show")),
    *(("db", verb) for verb in ("upgrade", "current")),
]


@pytest.mark.parametrize("title", LISTS)
def test_the_keys_are_those_of_the_page_in_its_order(desk: Desk, checkout: Path, title: str) -> None:
    desk.config.write_text(desk.config.read_text().replace('key = "id"', 'key = "sku"'))
    for row in desk.api.world.newest():
        if row.id != 15:
            desk.api.world.update(row.id, row.at, sku=f"S-{row.id}")
    desk.run("once")
    _miss_a_slot(desk)

    written = desk.run(*LISTS[title], "--json").rows

    assert written
    assert all(list(row) == documented(checkout, title) for row in written)


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_option_of_a_command_is_on_the_page(
    checkout: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    page = (checkout / "docs/reference/commands.md").read_text()
    call([*words, "--help"])

    options = set(re.findall(r"(?<!\w)--[a-z][a-z-]*", capsys.readouterr().out)) - {"--help", "--config"}

    section = page.partition(f"\n## {words[0]}\n")[2].partition("\n## ")[0]
    assert section, f"docs/reference/commands.md has no section {words[0]}"
    missing = sorted(option for option in options if option not in section and option != "--json")
    assert not missing


def documented(checkout: Path, title: str) -> list[str]:
    page = (checkout / "docs/json.md").read_text()
    section = page.partition(f"## `{title}`\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def _miss_a_slot(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.database)) as connection, connection:
        connection.execute(
            "INSERT INTO poller_missed_polls (stream_id, first_slot, last_slot, slots, reason, "
            "recorded_at) VALUES"
            " (1, '2026-09-21T10:00:00.000000Z', '2026-09-21T10:00:00.000000Z', 1, 'down', "
            "'2026-09-21T10:30:00.000000Z')"
        )
