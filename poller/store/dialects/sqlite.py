"""SQLite: a file in WAL mode, synchronous=FULL, one writer, STRICT mirror tables, and its bulk path.

Only a process that owns a source checkpoints the log (before SQLite 3.51.3 two connections that
write and checkpoint at once can corrupt a database), and no memory is mapped.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, QueuePool, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from poller.core.column_names import META
from poller.core.columns import Catalog, Column, SchemaStep
from poller.core.decide import Held
from poller.core.errors import StoreError, StoreUnavailable
from poller.store.dialects import BURIED
from poller.store.dialects._sqlite_schema import alter, create, named, widen

_READERS = 8
_CHECKPOINT_PAGES = 4000
_PAGE = 8192
"""Bytes: a row carries its record twice, typed and as received; a new file keeps this for ever."""
_WRITER = (
    f"page_size = {_PAGE}",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "mmap_size = 0",
    "cache_size = -16000",
    "wal_autocheckpoint = 0",
    "journal_size_limit = 67108864",
)
_READER = ("query_only = ON", "mmap_size = 0")


def connect(url: URL, patience: timedelta) -> Sqlite:
    """The dialect for a database file. Raises StoreError when the URL names none."""
    if not url.database or url.database == ":memory:" or url.query:
        raise StoreError(
            f"{url} names no database file", hint='write a path after three slashes: "sqlite:///mirror.db"'
        )
    path = Path(url.database)
    if not path.parent.is_dir():
        raise StoreUnavailable(
            f"the folder {path.parent} of the database {path} does not exist", hint="create it"
        )
    return Sqlite(path, patience)


@dataclass(frozen=True, slots=True)
class Sqlite:
    """One database file. ``patience``: how long to wait for another process's lock."""

    path: Path
    patience: timedelta

    def writer(self) -> Engine:
        engine = create_engine("sqlite://", creator=self._open("rwc", _WRITER), poolclass=StaticPool)
        event.listen(engine, "begin", _begin("BEGIN IMMEDIATE"))
        return engine

    def readers(self) -> Engine:
        engine = create_engine(
            "sqlite://",
            creator=self._open("ro", _READER),
            poolclass=QueuePool,
            pool_size=_READERS,
        )
        event.listen(engine, "begin", _begin("BEGIN"))
        return engine

    def checkpoint_here(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")

    def back_up(self, connection: Connection, suffix: str) -> Path | None:
        copy = self.path.with_name(f"{self.path.name}.{suffix}.backup")
        source = connection.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        with closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return copy

    def now(self, connection: Connection) -> datetime:
        text = connection.exec_driver_sql("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')").scalar_one()
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    def explain(self, error: DBAPIError) -> StoreError:
        code = getattr(error.orig, "sqlite_errorcode", None)
        reason = f"the database {self.path} {_ERRORS.get((code or 0) & 0xFF, 'refused')}: {error.orig}"
        hint = _HINTS.get((code or 0) & 0xFF)
        return StoreError(reason) if hint is None else StoreUnavailable(reason, hint=hint)

    def exists(self, connection: Connection, table: str) -> bool:
        found = connection.exec_driver_sql(
            "SELECT 1 FROM sqlite_master WHERE lower(name) = lower(?)", (table,)
        ).first()
        return found is not None

    def create_mirror(self, connection: Connection, table: str, columns: Sequence[Column]) -> None:
        create(connection, table, columns)

    def alter_mirror(self, connection: Connection, table: str, catalog: Catalog, step: SchemaStep) -> None:
        alter(connection, table, catalog, step)

    def held(self, connection: Connection, table: str, keys: Sequence[str]) -> Mapping[str, Held]:
        found = connection.exec_driver_sql(_held_sql(table), (json.dumps(keys),))
        return {
            key: Held(digest, position, ahead == 1, changed_at, deleted_at is not None)
            for key, digest, position, ahead, changed_at, deleted_at in found.all()
        }

    def payloads(self, connection: Connection, table: str, keys: Sequence[str]) -> Mapping[str, str]:
        found = connection.exec_driver_sql(_payloads_sql(table), (json.dumps(keys),))
        return {row[0]: row[1] for row in found.all()}

    def upsert(
        self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        connection.exec_driver_sql(_upsert_sql(table, tuple(columns)), list(rows))

    def bury(self, connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        connection.exec_driver_sql(_bury_sql(table), list(rows))

    def payloads_after(
        self, connection: Connection, table: str, key: str, limit: int
    ) -> Sequence[tuple[str, str]]:
        statement = f"SELECT _key, _payload FROM {named(table)} WHERE _key > ? ORDER BY _key LIMIT ?"  # noqa: S608 (names are quoted)
        return [(found, payload) for found, payload in connection.exec_driver_sql(statement, (key, limit))]

    def fill(
        self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        written = ", ".join(f"{named(column)} = ?" for column in columns)
        connection.exec_driver_sql(f"UPDATE {named(table)} SET {written} WHERE _key = ?", list(rows))  # noqa: S608 (names are quoted)

    def append_changes(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        connection.exec_driver_sql(
            "INSERT INTO poller_changes"
            " (stream_id, seq, op, key, before, after, position, observed_at, run_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            list(rows),
        )

    def _open(self, mode: str, settings: Sequence[str]) -> Callable[[], sqlite3.Connection]:
        where = f"file:{quote(str(self.path.absolute()))}?mode={mode}"

        def opened() -> sqlite3.Connection:
            connection = sqlite3.connect(
                where,
                uri=True,
                timeout=self.patience.total_seconds(),
                isolation_level=None,
                check_same_thread=False,
            )
            for setting in settings:
                connection.execute(f"PRAGMA {setting}")
            connection.create_function("poller_widened", 3, widen, deterministic=True)
            return connection

        return opened


_ERRORS = {
    sqlite3.SQLITE_BUSY: "is locked by another process",
    sqlite3.SQLITE_LOCKED: "is locked",
    sqlite3.SQLITE_READONLY: "is read-only",
    sqlite3.SQLITE_IOERR: "cannot be read or written",
    sqlite3.SQLITE_FULL: "or its disk is full",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_NOTADB: "is no SQLite database",
}
_HINTS = {
    sqlite3.SQLITE_BUSY: "another program holds a write transaction open; it works again once that ends",
    sqlite3.SQLITE_LOCKED: "it works again once the other statement ends",
    sqlite3.SQLITE_READONLY: "give this user the right to write the file and its folder",
    sqlite3.SQLITE_IOERR: "check the disk and the file system; nothing was half-written",
    sqlite3.SQLITE_FULL: "free some space; nothing was half-written, and polling goes on by itself",
    sqlite3.SQLITE_CANTOPEN: "check that the folder exists and may be written",
}
"""What to do about errors that pass; the others are no matter of waiting."""


def _begin(statement: str) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


@cache
def _held_sql(table: str) -> str:
    columns = "m._key, m._hash, m._position, m._ahead, m._changed_at, m._deleted_at"
    return f"SELECT {columns} {_among_keys(table)}"


@cache
def _payloads_sql(table: str) -> str:
    return f"SELECT m._key, m._payload {_among_keys(table)}"


def _among_keys(table: str) -> str:
    """From the rows whose keys stand in a JSON list: one parameter, whatever their number."""
    return f"FROM json_each(?) AS k CROSS JOIN {named(table)} AS m ON m._key = k.value"


@cache
def _upsert_sql(table: str, columns: tuple[str, ...]) -> str:
    names = [named(name) for name in (*META, *columns)]
    into = f"{named(table)} ({', '.join(names)})"
    replaced = ", ".join(
        f"{name} = excluded.{name}" for name in names if name not in ('"_key"', '"_first_seen_at"')
    )
    values = ", ".join("?" * len(names))
    return f"INSERT INTO {into} VALUES ({values}) ON CONFLICT (_key) DO UPDATE SET {replaced}"  # noqa: S608 (names are quoted)


@cache
def _bury_sql(table: str) -> str:
    written = ", ".join(f"{name} = ?" for name in BURIED[:-1])
    return f"UPDATE {named(table)} SET {written} WHERE {BURIED[-1]} = ?"  # noqa: S608 (names are quoted)
