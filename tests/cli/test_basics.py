"""What holds for every command: help, version, global options, errors, init and db."""

from __future__ import annotations

import json
import os
import pty
import resource
import select
import struct
import subprocess
import sys
import termios
import time
import tomllib
from fcntl import ioctl
from pathlib import Path

import pytest

from poller import __version__
from poller.cli import call
from poller.cli.app import COMMANDS
from poller.cli.options import hoisted
from tests.cli.world import Desk

PROGRAM = [sys.executable, "-m", "poller"]


# --- help and version -------------------------------------------------------------------------


def test_help_lists_every_command_in_under_a_fifth_of_a_second_of_cpu() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    costs, said = [], ""
    for _ in range(3):
        said = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        before = after

    assert all(f"\n  {name} " in said for name in COMMANDS)
    assert min(costs) < 0.2, f"poller --help took {costs} seconds of CPU"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = call([name, "--help"])

    assert code == 0
    assert f"Usage: poller {name}" in capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["--version"]) == 0
    assert capsys.readouterr().out == f"poller {__version__}\n"


def test_a_mistyped_command_is_exit_2_with_the_one_that_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["statsu"]) == 2
    assert "status" in capsys.readouterr().err


# --- global options ---------------------------------------------------------------------------


def test_global_options_may_stand_behind_the_command() -> None:
    assert hoisted(["once", "a.b", "-c", "x.toml", "--json", "--debug"]) == [
        *("-c", "x.toml", "--debug", "once", "a.b", "--json")
    ]
    assert hoisted(["query", "--", "--debug"]) == ["query", "--", "--debug"]
    assert hoisted(["once", "--config"]) == ["--config", "once"]


def test_log_lines_can_be_json(desk: Desk) -> None:
    desk.api.down()

    ran = desk.run("--log-format", "json", "once", "--debug")

    events = [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]
    assert [event["event"] for event in events] == ["poll failed"]
    assert events[0]["stream"] == "shop.orders"


# --- errors -----------------------------------------------------------------------------------


def test_no_settings_file_is_exit_2_and_says_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(["-c", str(tmp_path / "none.toml"), "once"])

    said = capsys.readouterr().err
    assert code == 2
    assert "there is no such file" in said
    assert "poller init" in said


def test_wrong_settings_are_shown_with_their_line_a_caret_and_every_problem(desk: Desk) -> None:
    text = desk.config.read_text()
    desk.config.write_text(text.replace("timeout = ", "timeotu = ").replace('key = "id"', 'kye = "id"'))

    ran = desk.run("status")

    assert ran.code == 2
    assert 'did you mean "timeout"?' in ran.err
    assert f"{desk.config}:6:" in ran.err
    assert "^" in ran.err
    assert "problems" in ran.err


def test_a_database_that_is_none_is_exit_1(desk: Desk) -> None:
    desk.database.write_text("this is no database, only some text that is long enough to be looked at\n" * 20)

    ran = desk.run("status")

    assert ran.code == 1
    assert "error: " in ran.err
    assert "Traceback" not in ran.err


def test_a_database_of_a_later_program_is_exit_1_with_the_next_step(desk: Desk) -> None:
    desk.run("once")
    subprocess.run(
        [sys.executable, "-c", _AGE, str(desk.database)],
        check=True,
    )

    for words in (("status",), ("once",), ("db", "upgrade")):
        ran = desk.run(*words)
        assert ran.code == 1
        assert "the program is older" in ran.err


_AGE = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    connection.execute("UPDATE poller_schema_version SET version_num = '9999'")
connection.close()
"""


# --- init -------------------------------------------------------------------------------------


def test_init_writes_settings_that_are_valid_and_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = tmp_path / "settings.toml"

    first = call(["init", str(where)])
    where.write_text(where.read_text() + "# mine\n")
    second = call(["init", str(where)])

    assert (first, second) == (0, 2)
    assert "--force" in capsys.readouterr().err
    assert where.read_text().endswith("# mine\n")
    assert call(["init", str(where), "--force"]) == 0
    assert "# mine" not in where.read_text()


@pytest.mark.parametrize("words", [(), ("--example",)])
def test_what_init_writes_is_read_without_a_problem_once_it_is_filled_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    where = tmp_path / "settings.toml"
    call(["init", str(where), *words])
    where.write_text(where.read_text().replace("<host>", "crm.example"))
    tomllib.loads(where.read_text())

    call(["-c", str(where), "check", "--offline", "--json"])

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    streams = [row for row in rows if row["kind"] == "stream"]
    assert streams
    assert all(row["ok"] for row in streams)


# --- db ---------------------------------------------------------------------------------------


def test_db_upgrade_makes_the_tables_and_current_names_their_revision(desk: Desk) -> None:
    before = desk.run("db", "current", "--json", "--check")
    upgraded = desk.run("db", "upgrade")
    after = desk.run("db", "current", "--json", "--check")

    assert (before.code, upgraded.code, after.code) == (1, 0, 0)
    assert before.rows[0]["current"] is None
    assert after.rows[0]["current"] == after.rows[0]["needed"]
    assert "unchanged" in desk.run("db", "upgrade").out


# --- on a terminal ----------------------------------------------------------------------------


def test_a_table_fits_a_terminal_of_80_columns_and_colours_only_if_nobody_minds(desk: Desk) -> None:
    desk.run("once")

    plain = on_a_terminal(desk, {"NO_COLOR": "1"})
    coloured = on_a_terminal(desk, {})

    assert "shop.orders" in plain
    assert max(len(line.rstrip()) for line in plain.splitlines()) <= 80
    assert "\x1b[32m" in coloured
    assert "\x1b[32m" not in plain


def on_a_terminal(desk: Desk, environment: dict[str, str]) -> str:
    """What ``poller status`` shows on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    command = [*PROGRAM, "-c", str(desk.config), "status"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**inherited, "TERM": "xterm", **environment}
    ) as running:
        os.close(theirs)
        shown = _read_to_the_end(ours)
        assert running.wait(30) == 0
    os.close(ours)
    return shown


def _read_to_the_end(terminal: int) -> str:
    shown, until = b"", time.monotonic() + 30
    while time.monotonic() < until and select.select([terminal], [], [], 30)[0]:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not chunk:
            break
        shown += chunk
    return shown.decode()
