"""What somebody meets who uses the program for the first time: narrow screens, misspelt names, full disks."""

from __future__ import annotations

import errno
import os
import pty
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

import pytest

from poller.cli.failures import FAILED, fail
from poller.cli.moves import Target, on_record
from poller.cli.words import named
from tests.cli.test_check import texts
from tests.cli.test_moves import TOKENED, view
from tests.cli.world import START, Desk
from tests.cli.world import desk as sit_down


def shown(desk: Desk, columns: int, *arguments: str) -> list[str]:
    """What a command shows on a terminal of so many columns, line by line."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-m", "poller", "-c", str(desk.config), *arguments]
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, env={**environment, "NO_COLOR": "1", "TERM": "xterm"}
    ) as running:
        os.close(theirs)
        text = b""
        try:
            while chunk := os.read(ours, 65536):
                text += chunk
        except OSError:  # Linux says so when the other side is closed
            pass
        assert running.wait(30) == 0
    os.close(ours)
    return [line.rstrip() for line in text.decode().splitlines()]


# --- a terminal that is too narrow ------------------------------------------------------------


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_url_that_is_too_long_costs_neither_the_number_nor_the_status(desk: Desk, columns: int) -> None:
    desk.run("once")

    lines = shown(desk, columns, "requests")

    assert lines[0].split()[0] == "ID"
    assert "STATUS" in lines[0]
    assert lines[1].split()[0] == "1"
    assert " 200 " in lines[1]
    assert "…" in lines[1]
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize("columns", [60, 80])
def test_what_is_wrong_is_never_pushed_off_the_screen(desk: Desk, columns: int) -> None:
    desk.run("once")

    assert {"MISSED", "DEAD", "ROWS"} < set(shown(desk, columns, "status")[0].split())
    assert "DEAD" in shown(desk, columns, "runs")[0]


def test_a_name_keeps_its_whole_length_where_there_is_room(desk: Desk) -> None:
    desk.run("once")

    assert shown(desk, 200, "requests")[1].split()[3] == "shop.orders"


def test_log_lines_have_no_colours_when_somebody_minds(desk: Desk) -> None:
    lines = shown(desk, 200, "--debug", "once")

    assert any("outcome=ok" in line for line in lines)
    assert not any("\x1b[3" in line or "\x1b[1m" in line for line in lines)


# --- check ------------------------------------------------------------------------------------


def test_a_request_that_asks_for_no_size_is_not_told_to_heed_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sit_down(tmp_path, capsys, default_size=1000) as desk:
        desk.api.world.insert_many(200, START, step=0)
        unsized = desk.config.read_text().replace(', limit = "{size}", offset = "{offset}"', "")
        desk.config.write_text(unsized.replace('{ type = "offset", size = 100 }', '{ type = "none" }'))

        found = texts(desk)

        assert "230 rows on the first page" in found
        assert "size" not in found


def test_a_lookback_longer_than_a_page_does_not_hide_a_since_that_is_ignored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sit_down(tmp_path, capsys, compare="ignored") as desk:
        desk.config.write_text(desk.config.read_text().replace('lookback = "2s"', 'lookback = "1d"'))

        assert "caution: since is ignored" in texts(desk)


def test_a_host_that_was_not_filled_in_is_named_before_anything_is_asked(desk: Desk) -> None:
    desk.write_settings(base_url="https://<host>/api")

    ran = desk.run("check")

    assert ran.code == 2
    assert "still has a part to be filled in" in ran.err


# --- words ------------------------------------------------------------------------------------


def test_a_column_that_is_not_there_is_an_error_and_not_a_text(desk: Desk) -> None:
    desk.run("once")

    ran = desk.run("query", "shop.orders", "--columns", "id,nmae")

    assert ran.code == 2
    assert ran.out == ""
    assert "has no column 'nmae'" in ran.err
    assert "did you mean name?" in ran.err


def test_help_names_arguments_without_the_types_of_the_program(desk: Desk) -> None:
    for command in (["status"], ["dead-letters", "replay"], ["watermark", "show"], ["init"]):
        told = desk.run(*command, "--help").out
        arguments = told.partition("Arguments:")[2].partition("Options:")[0]

        assert arguments.strip() != ""
        assert "<" not in arguments


def test_neither_a_stream_nor_its_source_is_named_twice() -> None:
    assert named("crm.people", "crm: no credential") == "crm.people: no credential"
    assert named("crm.people", "crm.people: HTTP 503") == "crm.people: HTTP 503"
    assert named("crm.people", "HTTP 503") == "crm.people: HTTP 503"


def test_the_record_of_a_moved_token_says_from_which_to_which() -> None:
    there = view(text="abc")

    assert on_record("why", there, TOKENED, Target(None, "def")) == "why: token abc → token def"
    assert on_record("why", there, TOKENED, Target()) == "why: token abc → the start"


def test_a_full_disk_is_no_defect_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    code = fail(OSError(errno.ENOSPC, "No space left on device"), debug=False)

    told = capsys.readouterr().err
    assert code == FAILED
    assert "No space left on device" in told
    assert "defect" not in told


def test_a_request_for_a_token_is_not_written_as_one_of_the_stream(desk: Desk) -> None:
    desk.write_settings(
        auth='{ type = "oauth2_client_credentials", token_url = "'
        + desk.api.base_url
        + '/token", client_id = "us", client_secret = "env:PATH" }'
    )
    desk.run("once")
    asked = next(row for row in desk.run("requests", "--json").rows if row["url"].endswith("/token"))

    ran = desk.run("requests", "--curl", str(asked["id"]))

    assert " -H " not in ran.out
    assert "it asked for a token" in ran.err
