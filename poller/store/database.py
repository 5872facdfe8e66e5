"""Opens a database: one connection that writes, under a lock, and others that only read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from poller.core.errors import StoreError
from poller.store import migrations
from poller.store.dialects import Dialect, dialect_for

PATIENCE = timedelta(seconds=5)
"""How long to wait for a lock that another process holds."""


def open_database(url: str, *, patience: timedelta = PATIENCE) -> Database:
    """The database at ``url``, created when it is a file that does not exist yet.

    Raises StoreError for a URL that names no supported database, StoreUnavailable when it
    cannot be opened. Its tables may be missing or old: see :meth:`Database.upgrade`.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(f"not a database URL: {url!r}", hint='for example "sqlite:///mirror.db"') from None
    if "?" in url and not parsed.query:
        raise StoreError(f"not a database URL: a bare question mark in {url!r}", hint="write it as %3F")
    return Database(dialect_for(parsed, patience))


class Database:
    """A database with its one writer and its readers. Safe to share between threads."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._writer = dialect.writer()
        self._readers = dialect.readers()
        self._lock = Lock()
        with self._explained(), self._writer.connect():
            pass  # the file is there, and it is a database

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises StoreUnavailable when the database is locked, full, gone or read-only.
        """
        with self._lock, self._explained(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent, read-only view of what is committed."""
        with self._explained(), self._readers.begin() as connection:
            yield connection

    def current(self) -> str | None:
        """The revision of the system tables; None when there are none."""
        with self.read() as connection:
            return migrations.current(connection)

    def require_current(self) -> None:
        """Raises SchemaOutdated when the system tables are older or newer than this program."""
        with self.read() as connection:
            migrations.require_head(connection)

    def upgrade(self, scripts: Path | None = None) -> Path | None:
        """Bring the system tables to this program's revision (or to the last one in ``scripts``).

        Returns the backup copy that was made before, None when there was nothing to lose.
        Raises SchemaOutdated when the database is newer than the program.
        """
        where = migrations.scripts() if scripts is None else scripts
        target = migrations.HEAD if scripts is None else migrations.newest(where)
        found = self.current()
        if found == target:
            return None
        if found is not None and not migrations.knows(where, found):
            raise migrations.too_new(found, target)
        backup = None if found is None else self._back_up(f"before-{target}")
        with self.write() as connection:
            migrations.upgrade(connection, where, target)
        return backup

    def close(self) -> None:
        """Close every connection; what is committed stays."""
        self._readers.dispose()
        self._writer.dispose()

    def _back_up(self, suffix: str) -> Path | None:
        with self._lock, self._explained(), self._writer.connect() as connection:
            return self.dialect.back_up(connection, suffix)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self.dialect.explain(error) from error
