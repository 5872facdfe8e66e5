"""The installed wheel from nothing: a check, polls, queries, a watermark moved, the daemon stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.endpoint import Endpoint
from tests.emulators.scripted import Emulator

pytestmark = pytest.mark.wheel

SETTINGS = """\
[database]
url = "sqlite:///mirror.db"

[sources.shop]
base_url = "{base_url}"
auth = {{ type = "bearer", token = "env:SHOP_TOKEN" }}

[sources.shop.streams.orders]
path = "/rows"
params = {{ since = "{{since}}", limit = "{{size}}", offset = "{{offset}}" }}
records = "rows"
key = "id"
updated_at = "updated_at"
order = "asc"
schedule = "1s"
since = {{ lookback = "5s" }}
page = {{ type = "offset", size = 100 }}
"""

TOKEN = "a-token-that-is-nowhere-shown"


@pytest.fixture
def api() -> Iterator[Emulator]:
    with Emulator(Endpoint(cap=70), credential=("authorization", f"Bearer {TOKEN}")) as running:
        running.world.insert_many(300)
        yield running


@pytest.fixture
def poller(
    installed_poller: Path, tmp_path: Path, api: Emulator
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the installed script in an empty folder; the first argument is the exit code that is expected."""
    (tmp_path / "settings.toml").write_text(SETTINGS.format(base_url=api.base_url))

    def run(code: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [installed_poller, *arguments],
            cwd=tmp_path,
            env={**os.environ, "SHOP_TOKEN": TOKEN},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, (
            f"{arguments} exited with {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        assert TOKEN not in done.stdout + done.stderr
        return done

    return run


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_mirror_is_made_queried_followed_and_read_again(
    poller: Callable[..., subprocess.CompletedProcess[str]], api: Emulator
) -> None:
    poller(0, "check")
    first = rows(poller(0, "once", "--json"))[0]
    api.world.update(api.world.ids()[0])
    second = rows(poller(0, "once", "--json"))[0]
    changed = rows(poller(0, "changes", "shop.orders", "--after", "300", "--json"))
    counted = rows(poller(0, "query", "select count(*) as n from shop_orders", "--json"))
    poller(0, "watermark", "reset", "shop.orders", "--start", "--yes")
    third = rows(poller(0, "once", "--json"))[0]

    assert (first["inserted"], second["updated"], third["inserted"] + third["updated"]) == (300, 1, 0)
    assert [(change["seq"], change["op"]) for change in changed] == [(301, "update")]
    assert counted == [{"n": 300}]
    assert poller(0, "status", "--check").stdout.count("shop.orders") == 1


def test_the_next_run_after_a_wrong_credential_is_exit_4_and_harmless(
    poller: Callable[..., subprocess.CompletedProcess[str]], api: Emulator
) -> None:
    api.credential = ("authorization", "Bearer another")

    poller(4, "once")
    poller(4, "check")


def test_the_daemon_polls_and_ends_with_exit_0_on_sigterm(
    installed_poller: Path,
    poller: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "SHOP_TOKEN": TOKEN}
    with subprocess.Popen(
        [installed_poller, "run"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as daemon:
        _wait_for(lambda: _inserted(poller) == 300)
        beside = rows(poller(0, "once", "--json"))[0]
        daemon.send_signal(signal.SIGTERM)
        _, said = daemon.communicate(timeout=25)

    assert daemon.returncode == 0, said
    assert (beside["outcome"], beside["inserted"]) == ("ok", 0)
    assert TOKEN not in said
    assert poller(0, "once").returncode == 0


def _inserted(poller: Callable[..., subprocess.CompletedProcess[str]]) -> int:
    try:
        return int(rows(poller(0, "status", "--json"))[0]["rows"])
    except (AssertionError, IndexError):
        return 0  # the daemon has not made its tables yet


def _wait_for(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < until, "the daemon did not mirror the API in 30 s"
        time.sleep(0.3)
