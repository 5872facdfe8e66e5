"""A secret is in nothing that the program writes, whatever goes wrong: every failure, with --debug."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from poller.auth import kinds
from tests.e2e.canary import ANSWERS, ASCII, LETTERS, TOKEN, serve, shown_in
from tests.http.world import Server

NEXT_URLS = ("next-elsewhere", "next-user", "next-own")
"""Answers that name the next page by its URL."""
OF_THE_USER = frozenset({"position", "key", "cursor", "cursor-cut", *NEXT_URLS})
"""Answers that give the secret back as the API's own rows and cursors: these are kept byte for byte, as the
mirror and the checkpoint have to be. Everything that the program says of them is clean."""


@dataclass(frozen=True, slots=True)
class Hiding:
    """Where a secret stands in the settings. ``{where}`` is the endpoint of a token, ``{file}`` a file."""

    source: str
    secret: str = ASCII
    stream: str = ""
    token: bool = False
    """A token is asked for with it, which is a secret too."""
    extra: Mapping[str, str] = field(default_factory=dict)


AS_RECEIVED = frozenset({"poller_scans", "poller_dead_letters", "poller_changes", "poller_streams"})

PLACES = {
    "api_key": Hiding('auth = { type = "api_key", header = "X-Secret-Key", value = "env:CANARY" }'),
    "bearer": Hiding('auth = { type = "bearer", token = "file:{file}" }'),
    "basic": Hiding('auth = { type = "basic", username = "user", password = "env:CANARY" }', LETTERS),
    "oauth2_client_credentials": Hiding(
        'auth = { type = "oauth2_client_credentials", token_url = "{where}", client_id = "us", '
        'client_secret = "env:CANARY" }',
        LETTERS,
        token=True,
    ),
    "oauth2 in the body": Hiding(
        'auth = { type = "oauth2_client_credentials", token_url = "{where}", client_id = "us", '
        'client_secret = "file:{file}", auth_style = "body" }',
        LETTERS,
        token=True,
    ),
    "login": Hiding(
        'auth = { type = "login", path = "{path}", body = { user = "us", password = "env:CANARY" }, '
        'token = "access_token" }',
        LETTERS,
        token=True,
    ),
    "a header of the source": Hiding('headers = { X-Secret-Key = "env:CANARY" }'),
    "a header of the stream": Hiding("", stream='headers = { X-Secret-Key = "file:{file}" }'),
}


PROCESSES = {
    "once": [["once", "--json"]],
    "check": [["check"]],
    "again": [["--log-format", "json", "once", "s-raw", "s-good", "s-code-said", "s-cut-page"]],
    "listing": [
        ["status", "--json"],
        ["runs", "--json"],
        ["requests", "--json"],
        ["requests", "--curl", "1"],
        ["dead-letters", "list", "--json"],
        ["missed", "--json"],
        ["changes", "s-good.rows", "--json"],
    ],
}
SCRIPT = (
    "import json, sys; from poller.cli import call; [call(['--debug', *c]) for c in json.loads(sys.argv[1])]"
)


def test_every_way_to_say_who_asks_has_its_canary() -> None:
    assert set(kinds()) - {"none"} <= set(PLACES)


@pytest.fixture(scope="module")
def api() -> Iterator[Server]:
    server = serve()
    yield server
    server.close()


EVERY = "POLLER_TEST_HOSTILE" in os.environ
"""Set by ``make hostile``. Without it one key and one kind of token stand for the others."""


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES if EVERY else ("bearer", "oauth2 in the body"))
def test_a_secret_is_nowhere_to_be_seen_whatever_goes_wrong(tmp_path: Path, api: Server, place: str) -> None:
    hiding = PLACES[place]
    written = _polled(tmp_path, api, hiding, [name for name in ANSWERS if name not in OF_THE_USER])

    assert b"defect" not in written["once: stderr"] + written["check: stderr"]
    for secret in (hiding.secret, TOKEN) if hiding.token else (hiding.secret,):
        leaks = {where: found for where, text in written.items() if (found := shown_in(text, secret))}
        assert leaks == {}, _told(leaks, written)


def test_what_the_api_gives_back_as_its_own_is_kept_and_nothing_is_said_of_it(
    tmp_path: Path, api: Server
) -> None:
    written = _polled(tmp_path, api, PLACES["api_key"], sorted(OF_THE_USER | {"good"}))

    said = {where: text for where, text in written.items() if where.endswith(("stdout", "stderr"))}
    said |= dict(_tables(tmp_path / "work" / "mirror.db"))
    leaks = {where: found for where, text in said.items() if (found := shown_in(text, ASCII))}
    assert leaks == {}, _told(leaks, said)
    with closing(sqlite3.connect(tmp_path / "work" / "mirror.db")) as mirror:
        assert mirror.execute("SELECT updated_at FROM s_position_rows").fetchall() == [(ASCII,)]


def test_the_canaries_would_be_seen() -> None:
    for secret in (ASCII, LETTERS, TOKEN):
        assert shown_in(f"x{secret}".encode(), secret)
        assert shown_in(f'"{secret[3:15]}'.encode(), secret)


def _polled(folder: Path, api: Server, hiding: Hiding, answers: Sequence[str]) -> dict[str, bytes]:
    """Everything that the commands wrote, by where: streams of output, files of the folder."""
    outside = folder / "outside"
    work = folder / "work"
    outside.mkdir()
    work.mkdir()
    (outside / "secret").write_text(hiding.secret)
    (work / "settings.toml").write_text("\n".join(_settings(api, hiding, outside / "secret", answers)))
    written: dict[str, bytes] = {}
    for shown, commands in PROCESSES.items():
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, json.dumps(commands)],
            cwd=work,
            env={**os.environ, "CANARY": hiding.secret},
            capture_output=True,
            timeout=120,
            check=False,
        )
        written |= {f"{shown}: stdout": done.stdout, f"{shown}: stderr": done.stderr}
        files = [path for path in work.rglob("*") if path.is_file() and path.parent.name != ".poller"]
        written |= {f"{shown}: {path.name}": path.read_bytes() for path in files}
    assert b"curl --compressed" in written["once: stderr"], written["once: stderr"][-2000:]
    assert len(written["once: stdout"].splitlines()) > len(answers)
    return written


def _tables(database: Path) -> Iterator[tuple[str, bytes]]:
    """Every table of ours but those that hold what the API sent, as it sent it."""
    with closing(sqlite3.connect(database)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE name LIKE 'poller_%' AND type = 'table'"
        )
        for (name,) in names.fetchall():
            if name not in AS_RECEIVED:
                yield name, repr(connection.execute(f"SELECT * FROM {name}").fetchall()).encode()


def _settings(api: Server, hiding: Hiding, file: Path, answers: Sequence[str]) -> Iterator[str]:
    yield '[database]\nurl = "sqlite:///mirror.db"\n[daemon]\nstate_dir = ".poller"\n'
    for name in (*answers, "silence"):
        yield _source(name, api.origin, f"{api.origin}/token", f"/{name}", hiding, file)
    closed = "http://127.0.0.1:1"
    yield _source("refused", closed, f"{closed}/token", "/good", hiding, file)
    yield _source("unknown", "http://no-such-host.invalid", f"{api.origin}/token", "/good", hiding, file)
    plain = api.origin.replace("http:", "https:")
    yield _source("tls", plain, f"{plain}/token", "/good", hiding, file)
    if hiding.token:
        for name in answers:
            yield _source(f"token-{name}", api.origin, f"{api.origin}/token-{name}", "/good", hiding, file)


def _source(name: str, base_url: str, where: str, path: str, hiding: Hiding, file: Path) -> str:
    source = hiding.source.replace("{where}", where).replace("{file}", str(file))
    source = source.replace("{path}", "/" + where.rpartition("/")[2])
    page = (
        '{ type = "next_url", next = "next" }' if name in NEXT_URLS else '{ type = "cursor", next = "next" }'
    )
    params = '{ since = "{since}" }' if name in NEXT_URLS else '{ since = "{since}", cursor = "{cursor}" }'
    stream = hiding.stream.replace("{file}", str(file))
    return f"""\
[sources.s-{name}]
base_url = "{base_url}"
timeout = "1s"
request_id_header = "X-Request-ID"
retry = {{ attempts = 2, initial = "10ms", maximum = "10ms" }}
errors = {{ status = "statusCode", ok = [0], fail = [17], message = "message" }}
{source}

[sources.s-{name}.streams.rows]
path = "{path}"
params = {params}
records = "rows"
key = "id"
updated_at = "updated_at"
order = "asc"
schedule = "1h"
budget = "5s"
since = {{ lookback = "1s" }}
page = {page}
{stream}
"""


def _told(leaks: Mapping[str, list[bytes]], written: Mapping[str, bytes]) -> str:
    lines: list[str] = []
    for where, found in leaks.items():
        text = written[where]
        places = sorted(
            {match.start() // 100 for form in found for match in re.finditer(re.escape(form), text)}
        )
        lines += [f"{where}: …{text[max(0, at * 100 - 100) : at * 100 + 150]!r}…" for at in places[:6]]
    return "\n".join(lines)
