"""What the demo's mirror holds, read as any user would, beside what its API holds."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from pathlib import Path
from typing import Any

FOLDER = Path("poller-demo")
STREAMS = ("issues", "orders", "contacts")


def truth(base_url: str, stream: str) -> dict[str, object]:
    """Every record exactly as the API shows it, by key."""
    with urllib.request.urlopen(f"{base_url}/_demo/truth/{stream}", timeout=10) as answer:
        rows = [json.loads(line) for line in answer if line.strip()]
    return {json.dumps(row["id"]): row for row in rows}


def differences(base_url: str) -> dict[str, int]:
    """Rows that are missing, extra or different, by stream; empty when all are equal."""
    found = {}
    for stream in STREAMS:
        shown = truth(base_url, stream)
        mirror = {
            key: json.loads(payload) for key, payload in select(f"select _key, _payload from demo_{stream}")
        }
        wrong = {key for key in shown.keys() | mirror.keys() if shown.get(key) != mirror.get(key)}
        if wrong:
            found[stream] = len(wrong)
    return found


def loaded() -> bool:
    """Whether each stream was read to its end once."""
    return number("select count(*) from poller_streams where drained_once = 1") == len(STREAMS)


def misses() -> int:
    """Slots without a successful poll of their own."""
    return number("select coalesce(sum(slots), 0) from poller_missed_polls")


def open_misses() -> int:
    """Such slots that no later poll has healed yet."""
    return number("select coalesce(sum(slots), 0) from poller_missed_polls where healed_by is null")


def rows(stream: str) -> int:
    """Rows of a stream's mirror."""
    return count(f"demo_{stream}")


def count(table: str) -> int:
    """Rows of a table."""
    return number(f"select count(*) from {table}")


def number(sql: str) -> int:
    """The one number that ``sql`` gives; 0 while there is no mirror yet."""
    found = select(sql)
    return int(found[0][0]) if found else 0


def select(sql: str) -> list[tuple[Any, ...]]:
    """Rows of the mirror, read as any user would; none while the daemon has not made it yet."""
    try:
        with sqlite3.connect(f"file:{FOLDER}/mirror.db?mode=ro", uri=True, timeout=5) as connection:
            return connection.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []
