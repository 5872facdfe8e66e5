"""What a database must be able to do that SQL does not say the same way everywhere: one file per kind."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from poller.core.columns import Catalog, Column, SchemaStep
from poller.core.decide import Held
from poller.core.errors import StoreError


class Dialect(Protocol):
    """A kind of database. A module under this package defines ``connect(url, patience) -> Dialect``."""

    def writer(self) -> Engine:
        """One connection; its transactions take the write lock when they begin."""
        ...

    def readers(self) -> Engine:
        """Connections that cannot write."""
        ...

    def checkpoint_here(self, connection: Connection) -> None:
        """This process owns a source: its writer does the database's housekeeping."""
        ...

    def back_up(self, connection: Connection, suffix: str) -> Path | None:
        """A copy beside the database, made before an upgrade; None where that is the operator's."""
        ...

    def now(self, connection: Connection) -> datetime:
        """The database's own clock."""
        ...

    def explain(self, error: DBAPIError) -> StoreError:
        """The error in our words, with the next step."""
        ...

    def exists(self, connection: Connection, table: str) -> bool: ...

    def create_mirror(self, connection: Connection, table: str, columns: Sequence[Column]) -> None: ...

    def alter_mirror(self, connection: Connection, table: str, catalog: Catalog, step: SchemaStep) -> None:
        """Take ``step``; ``catalog`` says what stood before. Every value is kept exactly."""
        ...

    def held(self, connection: Connection, table: str, keys: Sequence[str]) -> Mapping[str, Held]:
        """The held versions of ``keys``; a key that the mirror does not have is absent."""
        ...

    def payloads(self, connection: Connection, table: str, keys: Sequence[str]) -> Mapping[str, str]: ...

    def upsert(
        self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Write whole rows: the meta columns in the order of ``META``, then ``columns``.

        A row that exists keeps its ``_first_seen_at``. Raises UnicodeEncodeError or OverflowError
        for a value that the database cannot store.
        """
        ...

    def bury(self, connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Mark existing rows deleted; they keep their columns and payload. See ``BURIED``."""
        ...

    def payloads_after(
        self, connection: Connection, table: str, key: str, limit: int
    ) -> Sequence[tuple[str, str]]:
        """The next rows behind ``key`` in the order of their keys: key and payload."""
        ...

    def fill(
        self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Write ``columns`` of rows that exist, and nothing else of them; the key comes last in each row."""
        ...

    def append_changes(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows of ``poller_changes``, in the order of its columns."""
        ...


BURIED = (
    "_position",
    "_position_text",
    "_hash",
    "_seq",
    "_changed_at",
    "_deleted_at",
    "_run_id",
    "_ahead",
    "_key",
)
"""The values of one row that :meth:`Dialect.bury` takes, in this order."""


def dialect_for(url: URL, patience: timedelta) -> Dialect:
    """The dialect that ``url`` names. Raises StoreError when there is none."""
    name = url.get_backend_name()
    known = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    if name not in known:
        raise StoreError(
            f"no support for {name!r} databases", hint=f"use one of {', '.join(known)}: sqlite:///mirror.db"
        )
    module = importlib.import_module(f"{__name__}.{name}")
    dialect: Dialect = module.connect(url, patience)
    return dialect
