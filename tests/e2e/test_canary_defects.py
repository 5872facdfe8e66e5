"""A secret is not shown where we ourselves fail: tracebacks, a database that refuses, bad headers."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.canary import ASCII, LETTERS, serve, shown_in
from tests.http.world import Server

SETTINGS = """\
[database]
url = "sqlite:///mirror.db"

[sources.shop]
base_url = "{origin}"
retry = {{ attempts = 1 }}
auth = {{ type = "api_key", header = "X-Secret-Key", value = "{value}" }}

[sources.shop.streams.rows]
path = "/position"
params = {{ cursor = "{{cursor}}" }}
records = "rows"
key = "id"
schedule = "1h"
page = {{ type = "cursor", next = "next" }}
"""
RAISES = """
from poller.cli.failures import fail
from poller.cli.logs import REDACTOR, set_up
from poller.cli.options import LogFormat, Options
import structlog, os, sys
secret = os.environ["CANARY"]
REDACTOR.learn(secret)
set_up(Options(None, True, True, False, LogFormat.{format}))
try:
    try:
        {{}}[secret]
    except KeyError as first:
        raise ValueError(f"while asking for {{secret!r}}") from first
except ValueError as error:
    structlog.get_logger("poller").exception("defect", tried=[secret, error])
    sys.exit(fail(error, debug=True))
"""


@pytest.fixture(scope="module")
def api() -> Iterator[Server]:
    server = serve()
    yield server
    server.close()


def run(folder: Path, *arguments: str, secret: str = ASCII) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "CANARY": secret},
        capture_output=True,
        timeout=60,
        check=False,
    )


def poller(folder: Path, api: Server, *, value: str = "env:CANARY", secret: str = ASCII) -> tuple[int, bytes]:
    """One poll; its exit code, and everything that it wrote."""
    (folder / "settings.toml").write_text(SETTINGS.format(origin=api.origin, value=value))
    done = run(folder, "-m", "poller", "--debug", "once", secret=secret)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("form", ["TEXT", "JSON"])
def test_a_traceback_of_a_defect_shows_no_secret(tmp_path: Path, form: str) -> None:
    done = run(tmp_path, "-c", RAISES.format(format=form))

    written = done.stdout + done.stderr
    assert done.returncode == 1
    assert b"Traceback" in written
    assert b"while asking for" in written
    assert shown_in(written, ASCII) == []


def test_a_database_that_refuses_a_row_does_not_say_what_was_in_it(tmp_path: Path, api: Server) -> None:
    poller(tmp_path, api)
    with closing(sqlite3.connect(tmp_path / "mirror.db")) as mirror, mirror:
        mirror.execute("DELETE FROM shop_rows")
        mirror.execute(
            "CREATE TRIGGER crash BEFORE INSERT ON shop_rows BEGIN SELECT RAISE(ABORT, 'lightning'); END"
        )

    code, written = poller(tmp_path, api)

    assert code == 1
    assert b"lightning" in written
    assert shown_in(written, ASCII) == []


@pytest.mark.parametrize(("secret", "named"), [(LETTERS, b"X-Secret-Key"), (f"{ASCII}\nx", b"env:CANARY")])
def test_a_secret_that_no_header_can_carry_is_not_quoted(
    tmp_path: Path, api: Server, secret: str, named: bytes
) -> None:
    code, written = poller(tmp_path, api, secret=secret)

    assert code == 4
    assert named in written
    assert shown_in(written, secret) == []
    assert shown_in((tmp_path / "mirror.db").read_bytes(), secret) == []


def test_a_secret_file_that_is_missing_is_named_and_nothing_is_sent(tmp_path: Path, api: Server) -> None:
    asked = len(api.asked)

    code, written = poller(tmp_path, api, value="file:/run/secrets/nowhere")

    assert code == 4
    assert b"/run/secrets/nowhere" in written
    assert len(api.asked) == asked
