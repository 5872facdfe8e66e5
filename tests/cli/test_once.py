"""``poller once`` polls now, says what came of it on stdout, and exits as a script can use it."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.world import START, Desk
from tests.cli.world import desk as sit_down
from tests.emulators.faults import Emptied, Status
from tests.emulators.stamps import SECOND


def test_the_mirror_holds_what_the_api_holds_and_the_line_says_so(desk: Desk) -> None:
    ran = desk.run("once", "--json")

    assert (ran.code, ran.err) == (0, "")
    assert [(row["stream"], row["outcome"], row["inserted"]) for row in ran.rows] == [
        ("shop.orders", "ok", 30)
    ]
    assert ran.rows[0]["watermark_before"] is None
    assert ran.rows[0]["watermark_after"] == "2026-09-21T14:13:20.000000000Z"
    assert mirrored(desk) == desk.api.truth().keys()


def test_a_second_poll_of_a_quiet_api_changes_nothing(desk: Desk) -> None:
    desk.run("once")

    row = desk.run("once", "shop", "--json").rows[0]

    assert (row["inserted"], row["updated"], row["deleted"]) == (0, 0, 0)
    assert row["unchanged"] > 0


def test_the_table_names_the_outcome_and_the_watermark(desk: Desk) -> None:
    header, line = desk.run("once").out.splitlines()

    assert header.split() == [
        *("STREAM", "OUTCOME", "ROWS", "INSERTED", "UPDATED", "UNCHANGED"),
        *("DELETED", "DEAD", "REQUESTS", "WATERMARK"),
    ]
    assert line.startswith("shop.orders  ok")
    assert line.endswith("- → 2026-09-21 14:13:20Z")


def test_a_dead_api_is_exit_1_with_one_message(desk: Desk) -> None:
    desk.api.close()

    ran = desk.run("once")

    assert ran.code == 1
    assert "shop.orders  failed" in ran.out
    assert ran.err.count("error: ") == 1
    assert "Traceback" not in ran.err


def test_a_wrong_key_is_exit_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with sit_down(tmp_path, capsys) as desk:
        desk.api.credential = ("x-api-key", "the right one")
        desk.write_settings(auth='{ type = "api_key", header = "X-API-Key", value = "the-wrong-one" }')

        ran = desk.run("once", "--debug")

    assert ran.code == 4
    assert "401" in ran.err
    assert "curl " in ran.err
    assert "the-wrong-one" not in ran.out + ran.err


def test_a_failing_stream_does_not_stop_the_others(desk: Desk) -> None:
    second = desk.config.read_text().partition("[sources.shop.streams.orders]")[2]
    desk.write_settings(more="[sources.shop.streams.broken]" + second.replace("/rows", "/nowhere"))

    ran = desk.run("once", "--json")

    assert ran.code == 1
    assert {row["stream"]: row["outcome"] for row in ran.rows} == {
        "shop.orders": "ok",
        "shop.broken": "failed",
    }


def test_no_streams_in_the_settings_is_said(desk: Desk) -> None:
    desk.config.write_text(f'[database]\nurl = "sqlite:///{desk.database}"\n')

    ran = desk.run("once")

    assert (ran.code, ran.out) == (0, "")
    assert "no streams" in ran.err


def test_a_stream_whose_meaning_changed_is_refused_until_it_is_reset(desk: Desk) -> None:
    desk.run("once")
    desk.write_settings(order="none", more='accept = ["order-none-offset"]')

    refused = desk.run("once")
    desk.run("watermark", "reset", "shop.orders", "--start", "--yes")
    again = desk.run("once")

    assert refused.code == 1
    assert "watermark reset shop.orders" in refused.err
    assert again.code == 0


def test_a_stream_that_check_refuses_is_polled_with_a_warning(desk: Desk) -> None:
    desk.write_settings(order="none")

    ran = desk.run("once")

    assert ran.code == 0
    assert "warning: shop.orders" in ran.err
    assert "order-none-offset" in ran.err


def test_a_database_that_another_process_has_locked_is_exit_1_with_a_hint(desk: Desk) -> None:
    desk.run("once")
    with closing(sqlite3.connect(desk.database)) as other:
        other.execute("BEGIN IMMEDIATE")

        ran = desk.run("once")

    assert ran.code == 1
    assert "locked" in ran.err
    assert "hint: " in ran.err


def test_an_empty_answer_moves_no_watermark(desk: Desk) -> None:
    desk.run("once")
    desk.api.world.insert(START - SECOND)
    desk.api.fault_next(Emptied(), Emptied())

    row = desk.run("once", "--json").rows[0]

    assert row["watermark_after"] == row["watermark_before"]


def test_a_server_error_that_passes_is_no_failure(desk: Desk) -> None:
    desk.api.fault_next(Status(503))

    ran = desk.run("once", "--json")

    assert ran.code == 0
    assert ran.rows[0]["inserted"] == 30


def test_ctrl_c_commits_the_page_in_hand_exits_with_130_and_the_next_poll_goes_on(desk: Desk) -> None:
    desk.write_settings(size="2")
    running: list[subprocess.Popen[str]] = []
    desk.api.after_response(4, lambda _world: running[0].send_signal(signal.SIGINT))
    command = [sys.executable, "-m", "poller", "-c", str(desk.config), "once", "--json"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        running.append(process)
        out, err = process.communicate(timeout=30)
    left = mirrored(desk)
    rest = desk.run("once", "--json").rows[0]

    assert (process.returncode, json.loads(out)["outcome"]) == (130, "stopped"), err
    assert 0 < len(left) < 30
    assert "goes on from here" in err
    assert rest["inserted"] == 30 - len(left)


def mirrored(desk: Desk) -> set[int]:
    with closing(sqlite3.connect(desk.database)) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM shop_orders")}
