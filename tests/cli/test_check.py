"""``poller check`` sees what is wrong before anything is polled, and says what is guaranteed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.world import Desk
from tests.cli.world import desk as sit_down
from tests.emulators.faults import HtmlPage, Status


def stream_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return next(row for row in rows if row["kind"] == "stream")


def texts(desk: Desk, *arguments: str) -> str:
    """All findings of the stream, one per line, as ``level: text``."""
    found = stream_of(desk.run("check", "--json", *arguments).rows)["findings"]
    return "\n".join(f"{each['level']}: {each['text']}" for each in found)


def test_good_settings_are_exit_0_with_every_finding_ok(desk: Desk) -> None:
    ran = desk.run("check", "--json")

    stream = stream_of(ran.rows)
    assert ran.code == 0
    assert stream["ok"] is True
    assert {each["level"] for each in stream["findings"]} == {"ok"}
    assert [row["kind"] for row in ran.rows] == ["settings", "database", "source", "stream"]


def test_nothing_is_written_and_no_database_is_made(desk: Desk) -> None:
    desk.run("check")

    assert sorted(path.name for path in desk.folder.iterdir()) == ["settings.toml"]


def test_the_guarantee_is_told_in_words(desk: Desk) -> None:
    ran = desk.run("check")

    assert "neither skipped nor lost" in " ".join(ran.out.split())
    assert "all is well" in ran.err


def test_offline_asks_no_api(desk: Desk) -> None:
    ran = desk.run("check", "--offline")

    assert ran.code == 0
    assert desk.api.requests == 0


def test_settings_that_can_lose_rows_are_refused_with_exit_2(desk: Desk) -> None:
    desk.write_settings(order="none")

    ran = desk.run("check", "--json")

    hazard = stream_of(ran.rows)["hazards"][0]
    assert ran.code == 2
    assert (hazard["name"], hazard["severity"]) == ("order-none-offset", "refused")


def test_a_hazard_that_somebody_accepted_is_no_refusal(desk: Desk) -> None:
    desk.write_settings(order="none", more='accept = ["order-none-offset"]')

    ran = desk.run("check", "--json")

    assert ran.code == 0
    assert stream_of(ran.rows)["accepted"] == ["order-none-offset"]


def test_an_api_that_is_not_there_is_exit_1(desk: Desk) -> None:
    desk.api.close()

    ran = desk.run("check")

    assert ran.code == 1
    assert "failed: shop.orders" in ran.err


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_is_exit_4_and_other_streams_go_on(desk: Desk, status: int) -> None:
    whole = desk.config.read_text().partition("[sources.shop.streams.orders]")[2]
    desk.write_settings(more="[sources.shop.streams.people]" + whole)
    desk.api.fault_next(*[Status(status)] * (2 if status == 401 else 1))

    ran = desk.run("check", "--json")

    streams = {row["name"]: row["ok"] for row in ran.rows if row["kind"] == "stream"}
    assert ran.code == 4
    assert streams == {"shop.orders": False, "shop.people": True}


def test_a_secret_that_cannot_be_read_is_exit_4(desk: Desk) -> None:
    desk.write_settings(auth='{ type = "bearer", token = "file:/nowhere/at/all" }')

    ran = desk.run("check", "--offline")

    assert ran.code == 4
    assert "file:/nowhere/at/all" in ran.out


def test_html_with_status_200_is_no_page(desk: Desk) -> None:
    desk.api.down(HtmlPage())

    assert "failed: " in texts(desk)


def test_a_wrong_key_a_wrong_position_and_a_wrong_list_are_each_found(desk: Desk) -> None:
    right = desk.config.read_text()

    desk.config.write_text(right.replace('key = "id"', 'key = "uuid"'))
    assert "failed: 30 rows cannot be mirrored" in texts(desk)

    desk.config.write_text(right.replace('updated_at = "updated_at"', 'updated_at = "name"'))
    assert "failed: 30 rows of 30 have no name that can be read" in texts(desk)

    desk.config.write_text(right.replace('records = "rows"', 'records = "items"'))
    assert "failed: " in texts(desk)


def test_a_key_that_is_not_unique_is_found(desk: Desk) -> None:
    desk.config.write_text(desk.config.read_text().replace('key = "id"', 'key = "version"'))

    assert "rows overwrite each other" in texts(desk)


CASES = [
    ({"sort": "desc"}, "failed: rows do not come in asc order"),
    ({"compare": "ignored"}, "caution: since is ignored"),
    ({"cap": 7}, "caution: asked for 100 rows a page, the API sends 7"),
]


@pytest.mark.parametrize(("endpoint", "finding"), CASES, ids=[finding[:30] for _, finding in CASES])
def test_what_the_api_does_against_the_settings_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], endpoint: dict[str, Any], finding: str
) -> None:
    with sit_down(tmp_path, capsys, **endpoint) as desk:
        assert finding in texts(desk)


def test_an_api_without_rows_cannot_be_judged(desk: Desk) -> None:
    for number in desk.api.world.ids():
        desk.api.world.delete(number)

    assert "unsure: the page has no rows" in texts(desk)


def test_rows_that_all_stand_together_cannot_tell_order_or_since(desk: Desk) -> None:
    desk.api.world.touch_many(desk.api.world.ids())

    found = texts(desk)

    assert "unsure: whether rows come in asc order cannot be told" in found
    assert "unsure: whether the API honours since cannot be told" in found


def test_a_cursor_that_is_looked_for_in_the_wrong_place_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sit_down(tmp_path, capsys, paging="keyset_cursor") as desk:
        right = (
            desk.config.read_text()
            .replace('offset = "{offset}"', 'cursor = "{cursor}"')
            .replace(
                'page = { type = "offset", size = 100 }',
                'page = { type = "cursor", next = "next", size = 10 }',
            )
        )
        desk.config.write_text(right)
        assert "ok: the page names the next one" in texts(desk)

        desk.config.write_text(right.replace('next = "next"', 'next = "meta.next"'))
        assert "caution: the page is full and names no next one" in texts(desk)


def test_a_database_that_a_later_program_wrote_is_said(desk: Desk) -> None:
    desk.run("once")
    with closing(sqlite3.connect(desk.database)) as connection, connection:
        connection.execute("UPDATE poller_schema_version SET version_num = '9999'")

    ran = desk.run("check", "--offline")

    assert ran.code == 1
    assert "9999" in ran.out


def test_the_debug_lines_show_requests_without_secrets(desk: Desk) -> None:
    desk.write_settings(auth='{ type = "bearer", token = "a-secret-nobody-sees" }')

    ran = desk.run("--debug", "check")

    assert "curl --compressed" in ran.err
    assert "a-secret-nobody-sees" not in ran.out + ran.err
