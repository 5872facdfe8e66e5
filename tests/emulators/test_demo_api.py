"""The bundled demo API pages as it says, fails on command, tells the truth, and ends with its parent."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from poller.config import load
from poller.demo.settings import settings_text

KEY = {"X-API-Key": "k"}


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo API; the answer's head is checked where a test asks for more than its body."""

    base_url: str
    process: subprocess.Popen[bytes]

    def ask(self, target: str, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, Any]:
        split = urlsplit(target)
        connection = http.client.HTTPConnection(urlsplit(self.base_url).netloc, timeout=10)
        try:
            connection.request(
                method, f"{split.path}?{split.query}", headers=KEY if headers is None else headers
            )
            answer = connection.getresponse()
            assert answer.headers["X-Request-ID"].startswith("demo-")
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, target: str, **params: object) -> Any:  # noqa: ANN401 (any JSON value)
        status, body = self.ask(f"{target}?{urlencode(params)}" if params else target)
        assert status == 200, body
        return json.loads(body)

    def truth(self, stream: str) -> dict[int, dict[str, Any]]:
        records = map(json.loads, self.ask(f"/_demo/truth/{stream}")[1].splitlines())
        return {record["id"]: record for record in records}


@contextmanager
def running(rate: float = 0) -> Iterator[Demo]:
    process = subprocess.Popen(
        [sys.executable, "-m", "poller.demo.api", "--rate", str(rate), "--key", "k"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield Demo(json.loads(process.stdout.readline())["base_url"], process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def still() -> Iterator[Demo]:
    """A demo API in which nothing changes."""
    with running() as demo:
        yield demo


def test_issues_come_by_offset_with_many_in_one_second(still: Demo) -> None:
    seen: list[dict[str, Any]] = []
    while page := still.get("/issues.json", offset=len(seen), limit=500)["issues"]:
        assert len(page) <= 100
        seen += page

    assert {record["id"]: record for record in seen} == still.truth("issues")
    stamps = [record["updated_on"] for record in seen]
    assert stamps == sorted(stamps)
    assert max(stamps.count(stamp) for stamp in set(stamps)) > 100


def test_orders_come_newest_first_by_the_last_key(still: Demo) -> None:
    page = still.get("/v1/orders", limit=100)
    seen = page["data"]
    while page["has_more"]:
        page = still.get("/v1/orders", limit=100, starting_after=seen[-1]["id"])
        seen += page["data"]

    assert {record["id"]: record for record in seen} == still.truth("orders")
    assert len(seen) == 1600
    places = [(record["updated"], record["id"]) for record in seen]
    assert places == sorted(places, reverse=True)


def test_contacts_come_by_the_next_url(still: Demo) -> None:
    seen: list[dict[str, Any]] = []
    following: str | None = "/api/contacts?pageSize=70"
    while following is not None:
        page = still.get(following)
        seen += page["results"]
        following = page["next"]

    assert {record["id"]: record for record in seen} == still.truth("contacts")


@pytest.mark.parametrize(
    ("path", "name", "records", "stamp", "wrapped"),
    [
        ("/issues.json", "updated_on", "issues", "updated_on", ">="),
        ("/v1/orders", "updated[gte]", "data", "updated", ""),
        ("/api/contacts", "modifiedSince", "results", "modifiedAt", ""),
    ],
)
def test_since_is_inclusive(
    still: Demo, path: str, name: str, records: str, stamp: str, wrapped: str
) -> None:
    newest = max(record[stamp] for record in still.truth(TRUTH[path]).values())

    found = still.get(path, **{name: f"{wrapped}{newest}"})[records]

    assert found
    assert {record[stamp] for record in found} == {newest}


TRUTH = {"/issues.json": "issues", "/v1/orders": "orders", "/api/contacts": "contacts"}


def test_a_rate_has_more_digits_than_a_double_holds(still: Demo) -> None:
    body = still.ask("/v1/orders?limit=1")[1].decode()
    text = body.split('"exchange_rate":')[1].split(",", maxsplit=1)[0]

    assert len(text.partition(".")[2]) == 20
    assert repr(float(text)) != text


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/issues.json", {}, 401),
        ("/issues.json", {"X-API-Key": "wrong"}, 401),
        ("/nothing", KEY, 404),
        ("/issues.json?updated_on=yesterday", KEY, 400),
        ("/issues.json?updated_on=2026-01-01T00:00:00", KEY, 400),
        ("/issues.json?offset=-1", KEY, 400),
        ("/api/contacts?cursor=junk", KEY, 400),
        ("/v1/orders?starting_after=999999", KEY, 400),
        ("/_demo/truth/nothing", {}, 404),
    ],
)
def test_a_wrong_request_is_told_so(still: Demo, target: str, headers: dict[str, str], status: int) -> None:
    assert still.ask(target, headers=headers)[0] == status


def test_records_change_until_they_are_frozen() -> None:
    with running(rate=200) as demo:
        until = time.monotonic() + 10
        while demo.get("/_demo/health")["changes"] < 20 and time.monotonic() < until:
            time.sleep(0.02)

        frozen = json.loads(demo.ask("/_demo/freeze", "POST")[1])
        truth = demo.truth("issues")
        time.sleep(0.1)

        assert frozen["changes"] >= 20
        assert frozen["rows"]["issues"] == len(truth)
        assert demo.get("/_demo/health")["changes"] == frozen["changes"]
        assert demo.truth("issues") == truth


def test_an_outage_answers_html_and_drops_connections_until_it_ends() -> None:
    with running() as demo:
        demo.ask("/_demo/outage?seconds=60", "POST")

        status, body = demo.ask("/issues.json")
        with pytest.raises(http.client.RemoteDisconnected):
            demo.ask("/issues.json")
        health = demo.get("/_demo/health")
        demo.ask("/_demo/outage?seconds=0", "POST")

        assert (status, body[:6]) == (503, b"<html>")
        assert health["status"] == "outage"
        assert demo.ask("/issues.json")[0] == 200


def test_sigterm_ends_it_in_order() -> None:
    with running(rate=50) as demo:
        demo.process.send_signal(signal.SIGTERM)

        assert demo.process.wait(5) == 0


def test_it_ends_when_its_parent_dies() -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys; subprocess.run([sys.executable, '-m', 'poller.demo.api'])",
        ],
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    parent.stdout.readline()

    parent.kill()
    parent.wait()

    assert parent.stdout.read() == b""  # ends when the child, which holds the other end, has ended
    parent.stdout.close()


def test_the_settings_are_right_and_name_all_three_streams(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(settings_text("http://127.0.0.1:8765", "sqlite:///mirror.db"))

    settings = load(file, {})

    assert [stream.name for stream in settings.sources[0].streams] == ["issues", "orders", "contacts"]
    assert not settings.warnings
