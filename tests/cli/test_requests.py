"""``poller requests`` finds what was sent, and writes one as a curl line that holds no secret."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.world import Desk
from tests.cli.world import desk as sit_down
from tests.emulators.faults import Dropped, Status

CANARY = "canary-5f3a9c-secret"


@pytest.fixture
def polled(desk: Desk) -> Desk:
    """Three attempts of one poll: refused, dropped, answered; then the rest of it."""
    desk.write_settings(size="100")
    desk.config.write_text(
        desk.config.read_text()
        .replace("attempts = 2", "attempts = 3")
        .replace('timeout = "5s"', 'timeout = "5s"\nrequest_id_header = "X-Request-ID"')
    )
    desk.api.fault_next(Status(503), Dropped())
    desk.run("once")
    return desk


@pytest.fixture
def secretive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    with sit_down(tmp_path, capsys) as desk:
        desk.api.credential = ("x-api-key", CANARY)
        desk.write_settings(auth=f'{{ type = "api_key", header = "X-API-Key", value = "{CANARY}" }}')
        desk.run("once")
        yield desk


def statuses(desk: Desk, *words: str) -> list[int | None]:
    ran = desk.run("requests", *words, "--json")
    assert ran.code == 0, ran.err
    return [row["status"] for row in ran.rows]


def test_every_attempt_is_listed_with_what_came_back(polled: Desk) -> None:
    rows = polled.run("requests", "--json").rows

    assert [(row["status"], row["attempt"]) for row in rows[:3]] == [(503, 1), (None, 2), (200, 3)]
    assert rows[0]["request_id"] == "req-1"
    assert rows[1]["error"] is not None
    assert rows[2]["url"].startswith(polled.api.base_url)
    assert rows[2]["bytes_received"] > 0
    assert {row["run"] for row in rows} == {1}


def test_the_sieve_lets_through_what_was_asked_for(polled: Desk) -> None:
    everything = statuses(polled)

    assert statuses(polled, "--failed") == [503, None]
    assert statuses(polled, "--status", "5xx") == [503]
    assert statuses(polled, "--status", "503", "--status", "none") == [503, None]
    assert statuses(polled, "--status", "2xx") == everything[2:]
    assert statuses(polled, "--request-id", "req-1") == [503]
    assert statuses(polled, "--run", "1") == everything
    assert statuses(polled, "--run", "2") == []
    assert statuses(polled, "--last", "1h") == everything
    assert statuses(polled, "--since", "2999-01-01T00:00:00Z") == []
    assert statuses(polled, "--slow", "1h") == []
    assert statuses(polled, "--limit", "1") == everything[-1:]
    assert statuses(polled, "shop") == everything


def test_the_table_names_status_time_and_url(polled: Desk) -> None:
    ran = polled.run("requests", "--failed")

    assert ran.code == 0
    assert "503" in ran.out
    assert f"GET {polled.api.base_url}/rows?" in ran.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--status", "9xx"), "is no status"),
        (("--status", "2000"), "is no status"),
        (("--last", "soon"), "is not a duration"),
        (("--since", "soon"), "is no time"),
        (("--since", "2026-01-01", "--last", "2h"), "contradict"),
        (("--curl", "777"), "no request 777"),
    ],
)
def test_what_means_nothing_is_exit_2_with_a_word_about_it(
    polled: Desk, words: tuple[str, ...], message: str
) -> None:
    ran = polled.run("requests", *words)

    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_a_curl_line_has_the_header_of_the_secret_and_never_the_secret(secretive: Desk) -> None:
    ran = secretive.run("requests", "--curl", "1")

    line, answer = ran.out.splitlines()
    words = shlex.split(line)
    assert words[0] == "curl"
    assert f"{secretive.api.base_url}/rows?limit=100&offset=0" in words
    assert "X-API-Key: ***" in words
    assert answer.startswith("# 200 in ")
    assert CANARY not in ran.out + ran.err
    assert "fill in the *** of X-API-Key" in ran.err


def test_a_curl_line_hides_headers_by_their_names_too(secretive: Desk) -> None:
    written = secretive.config.read_text()
    headers = 'headers = { X-Tenant-Token = "written out", Accept = "application/json" }'
    secretive.config.write_text(written.replace('timeout = "5s"', f'timeout = "5s"\n{headers}'))

    words = shlex.split(secretive.run("requests", "--curl", "1").out.splitlines()[0])

    assert {"X-Tenant-Token: ***", "X-API-Key: ***", "Accept: application/json"} <= set(words)


def test_a_curl_line_of_a_stream_that_the_settings_dropped_says_what_is_missing(secretive: Desk) -> None:
    secretive.config.write_text(secretive.config.read_text().replace("streams.orders", "streams.others"))

    ran = secretive.run("requests", "--curl", "1")

    assert ran.code == 0
    assert "X-API-Key" not in ran.out
    assert "no shop.orders any more" in ran.err


def test_no_such_requests_is_a_sentence_on_stderr(polled: Desk) -> None:
    ran = polled.run("requests", "--run", "99")

    assert (ran.code, ran.out) == (0, "")
    assert "no such requests" in ran.err
