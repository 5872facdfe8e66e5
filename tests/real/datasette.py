"""A real server that nobody here wrote: Datasette over a SQLite file, its process, a writer, and the oracle.

What Datasette 0.65.5 was seen to do with ``/{database}/{table}.json?_shape=objects``:

- The body is an object; records in ``rows``; ``next`` and ``next_url`` are null at the end, also
  when exactly one full page is left. ``next_url`` is absolute (from the request's Host), keeps
  every filter and ``_size``, and also stands in a ``Link: rel="next"`` header.
- **The first page is sorted by the column alone** (``order by updated_at limit n``); only pages
  with ``_next`` add the primary key (``order by updated_at, id``). Among ties the first page comes
  in the order in which SQLite walks the table or index. With an INTEGER PRIMARY KEY and an
  ascending ``_sort`` that is the order of the key, and nothing is lost. With a TEXT primary key,
  or with ``_sort_desc`` over an index, it is not, and the second page begins behind the wrong key:
  following ``next_url`` through 1,000 ties found 217 rows of 1,000, status 200 throughout.
  Without ``_sort`` every page is sorted by the primary key, and nothing is lost for any key:
  that is the right request there (``order = "key"``).
- ``updated_at__gte`` compares as SQLite does, text with text: ``…00.123Z`` is less than ``…00Z``.
  Timestamps must have one width. A bare number (``2027``) is compared as an integer.
- Rows with a null position sort first under ``_sort`` and are dropped by the filter.
- ``_size`` beyond ``max_returned_rows`` is answered 400 with a JSON error, not capped.
- A ``_next`` that was never given out is no error: it is read as a position, and rows come.
- JSON columns are text unless ``_json=<column>`` is asked for.
- ``Date`` is sent, in whole seconds; ``Cache-Control: max-age=5`` as well, though nothing is cached.
- ``_nocount=1`` and ``_nofacet=1`` save a count and suggestions that nobody reads.
- A **view** has no key to page by: there ``_next`` is a row number, and its listing pages by offset.
  Under ``_sort`` its ties come in the order in which SQLite walks the index, the same every time.
"""

from __future__ import annotations

import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

TABLE = "items"
VIEW = "items_by_number"
"""The same rows as a view, which Datasette pages by row number."""
ROWS = 20_000
TIES = 400
"""Rows with one timestamp, in each of a few bulk edits."""
BULK_EDITS = 5
LARGEST_PAGE = 1000
_QUIET = '_nocount = "1", _nofacet = "1"'

Key = int | str


@dataclass(frozen=True, slots=True)
class Datasette:
    """A server that answers. ``base_url`` has no path; ``database`` is the file's name without suffix."""

    base_url: str
    database: str
    pid: int

    @property
    def path(self) -> str:
        """Of the table's listing, below ``base_url``."""
        return f"/{self.database}/{TABLE}.json"

    def stream_toml(
        self, name: str = "items", *, order: Literal["asc", "key"] = "asc", size: int = 100
    ) -> str:
        """Settings of one stream (``[sources.datasette.streams.<name>]``) that mirrors the table."""
        sort = '_sort = "updated_at", ' if order == "asc" else ""
        return f"""\
[sources.datasette.streams.{name}]
path = "{self.path}"
params = {{ _shape = "objects", {sort}updated_at__gte = "{{since}}", _size = "{{size}}", {_QUIET} }}
records = "rows"
key = "id"
updated_at = "updated_at"
order = "{order}"
schedule = "1m"
since = {{ format = "rfc3339", bound = "closed", granularity = "1s", lookback = "5s" }}
page = {{ type = "next_url", next = "next_url", size = {size} }}
"""

    def offset_toml(self, name: str = "items", *, size: int = 100) -> str:
        """Settings of one stream that mirrors the view, whose rows Datasette numbers."""
        paged = '_size = "{size}", _next = "{offset}", ' + _QUIET
        return f"""\
[sources.datasette.streams.{name}]
path = "/{self.database}/{VIEW}.json"
params = {{ _shape = "objects", _sort = "updated_at", updated_at__gte = "{{since}}", {paged} }}
records = "rows"
key = "id"
updated_at = "updated_at"
order = "asc"
schedule = "1m"
since = {{ format = "rfc3339", bound = "closed", granularity = "1s", lookback = "5s" }}
page = {{ type = "offset", size = {size} }}
"""


def build(
    path: Path, rows: int = ROWS, *, key: Literal["integer", "text"] = "integer", seed: int = 1
) -> None:
    """A new database with ``rows`` rows in a WAL file, inserted in no order.

    Positions have whole seconds, over ninety days up to an hour ago; five times, ``TIES`` rows
    share one second.
    """
    dice = random.Random(seed)
    newest = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    numbers = list(range(1, rows + 1))
    dice.shuffle(numbers)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(
            f"CREATE TABLE {TABLE} (id {key.upper()} PRIMARY KEY NOT NULL, name TEXT NOT NULL, amount REAL,"
            " quantity INTEGER, note TEXT, detail TEXT, updated_at TEXT NOT NULL)"
        )
        database.execute(f"CREATE INDEX {TABLE}_updated_at ON {TABLE} (updated_at)")
        database.execute(f"CREATE VIEW {VIEW} AS SELECT * FROM {TABLE}")
        database.executemany(
            f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((_key(number, key), *_fields(dice, number), _stamp(newest, number, rows)) for number in numbers),
        )
        database.commit()


@contextmanager
def serve(path: Path, *, largest_page: int = LARGEST_PAGE, patience: float = 30.0) -> Iterator[Datasette]:
    """Datasette over ``path`` in a process of its own, on loopback, until the block ends."""
    port = _free_port()
    with (path.parent / f"{path.stem}-datasette.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "datasette", "serve", str(path),
             "--host", "127.0.0.1", "--port", str(port),
             "--setting", "max_returned_rows", str(largest_page),
             "--setting", "sql_time_limit_ms", "20000",
             "--setting", "suggest_facets", "off"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )  # fmt: skip
        try:
            server = Datasette(f"http://127.0.0.1:{port}", path.stem, process.pid)
            _wait_for(server, process, patience)
            yield server
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()


@dataclass(slots=True)
class Writer:
    """What a writer did so far. ``updated``: keys in the order of their updates, repetitions included."""

    updated: list[Key] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)


@contextmanager
def writer(path: Path, updates: int = 500, *, seconds: float = 2.0, seed: int = 2) -> Iterator[Writer]:
    """Updates rows from another connection, evenly over ``seconds``, while the block runs.

    Each update changes two fields and stamps now, in whole seconds. The block's end waits until
    all updates are committed. Raises what the writer raised.
    """
    did = Writer()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            _update(path, updates, seconds / updates, random.Random(seed), did)
        except BaseException as failure:  # noqa: BLE001 (raised again where the test sees it)
            failures.append(failure)
        did.done.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield did
    finally:
        thread.join()
    if failures:
        raise failures[0]


def oracle(path: Path) -> dict[Key, dict[str, Any]]:
    """Every row by its key, as the listing shows it, from the file itself."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        return {row["id"]: dict(row) for row in database.execute(f"SELECT * FROM {TABLE}")}


def insert(path: Path, key: Key, updated_at: datetime) -> None:
    """One more row."""
    with closing(sqlite3.connect(path, timeout=30)) as database, database:
        fields = (key, *_fields(random.Random(str(key)), 0), _text(updated_at))
        database.execute(f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?, ?, ?, ?)", fields)


def _key(number: int, key: str) -> Key:
    return number if key == "integer" else f"item-{number:06d}"


def _fields(dice: random.Random, number: int) -> tuple[str, float | None, int, str | None, str]:
    nested = {"tags": dice.sample(["red", "green", "blue"], dice.randint(0, 3)), "size": {"w": number % 40}}
    return (
        f"Item {number} — Ærøskøbing",
        dice.choice((None, round(dice.random() * 1000, 2))),
        dice.randint(0, 2**53),
        dice.choice((None, "", "fragile", "00742")),
        json.dumps(nested),
    )


def _stamp(newest: datetime, number: int, rows: int) -> str:
    """Ninety days, older for smaller numbers; every so often a bulk edit of TIES rows."""
    between = max(rows // BULK_EDITS, TIES + 1)
    if number % between < TIES:
        number -= number % between
    return _text(newest - timedelta(seconds=(rows - number) * 90 * 86400 // rows))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _update(path: Path, updates: int, pause: float, dice: random.Random, did: Writer) -> None:
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as database:
        keys = [row[0] for row in database.execute(f"SELECT id FROM {TABLE} ORDER BY id")]
        began = time.monotonic()
        for turn in range(updates):
            key = dice.choice(keys)
            database.execute(
                f"UPDATE {TABLE} SET quantity = quantity + 1, note = ?, updated_at = ? WHERE id = ?",
                (f"update {turn}", _text(datetime.now(UTC)), key),
            )
            did.updated.append(key)
            time.sleep(max(0.0, began + (turn + 1) * pause - time.monotonic()))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(server: Datasette, process: subprocess.Popen[bytes], patience: float) -> None:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(
                f"Datasette ended with {process.returncode} before it answered; see its log file"
            )
        with suppress(OSError):
            urllib.request.urlopen(f"{server.base_url}{server.path}?_size=1", timeout=5).close()
            return
        time.sleep(0.05)
    raise TimeoutError(f"Datasette did not answer at {server.base_url} within {patience:g} s")
