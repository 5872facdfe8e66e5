"""The floor: what mirroring the benchmark's source costs when it is written by hand, for this one API.

It asks, decodes, upserts typed columns with the record as received, a hash and a row of the
change feed, in one transaction per page. It has no checkpoint, no retry, no limits, compares
no versions and holds back no late row: what poller takes beyond it pays for those.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import httpx
import msgspec
from xxhash import xxh3_128_hexdigest


class Order(msgspec.Struct):
    """One record of :mod:`tests.cost.source`, typed."""

    id: int
    number: str
    status: str
    customer_id: int
    customer_name: str
    email: str
    currency: str
    total: float
    discount: float | None
    paid: bool
    lines: int
    address: msgspec.Raw
    tags: msgspec.Raw
    note: str
    created_at: str
    updated_at: str


class Page(msgspec.Struct):
    """One answer, cut into the records' own bytes."""

    rows: list[msgspec.Raw]
    next: str | None


_PAGE = msgspec.json.Decoder(Page)
_ORDER = msgspec.json.Decoder(Order)
_FIELDS = Order.__struct_fields__
_ORDERS = """
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, number TEXT, status TEXT, customer_id INTEGER, customer_name TEXT, email TEXT,
    currency TEXT, total REAL, discount REAL, paid INTEGER, lines INTEGER, address TEXT, tags TEXT, note TEXT,
    created_at TEXT, updated_at TEXT, _payload TEXT NOT NULL, _hash TEXT NOT NULL
) STRICT"""
_CHANGES = """
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY, op TEXT NOT NULL, key TEXT NOT NULL, after TEXT NOT NULL
) STRICT"""
_SETUP = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", _ORDERS, _CHANGES)
_COLUMNS = (*_FIELDS, "_payload", "_hash")
_UPSERT = (
    f"INSERT INTO orders ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 (constants)
    f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
)
_CHANGE = "INSERT INTO changes VALUES (?, 'snapshot', ?, ?)"


def main(base_url: str, path: str) -> None:
    """Mirror the whole source into a new SQLite file at ``path``, as durably as poller does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in _SETUP:
            database.execute(statement)
        seq = 0
        for page in _pages(base_url):
            rows = [_row(raw) for raw in page]
            changes = [(seq + n, str(row[0]), row[-2]) for n, row in enumerate(rows, 1)]
            database.execute("BEGIN IMMEDIATE")
            database.executemany(_UPSERT, rows)
            database.executemany(_CHANGE, changes)
            database.execute("COMMIT")
            seq += len(rows)


def _pages(base_url: str) -> Iterator[list[msgspec.Raw]]:
    cursor: str | None = ""
    with httpx.Client() as client:
        while cursor is not None:
            answer = client.get(f"{base_url}/rows", params={"cursor": cursor})
            page = _PAGE.decode(answer.raise_for_status().content)
            yield page.rows
            cursor = page.next


def _row(raw: msgspec.Raw) -> Sequence[Any]:
    own = bytes(raw)
    order = _ORDER.decode(own)
    typed = (_sql(getattr(order, name)) for name in _FIELDS)
    return (*typed, own.decode(), xxh3_128_hexdigest(own))


def _sql(value: Any) -> Any:  # noqa: ANN401 (any SQL value)
    return bytes(value).decode() if type(value) is msgspec.Raw else value


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
