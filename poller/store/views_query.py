"""Plain SQL for whoever asks: read only, streamed row by row, with what there is when a name is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect

from poller.store.database import Database


@dataclass(frozen=True, slots=True)
class Answered:
    """``columns`` in the order of the query; ``rows`` can be read once, while the query is open."""

    columns: tuple[str, ...]
    rows: Iterator[Sequence[Any]]


@contextmanager
def answered(database: Database, sql: str) -> Iterator[Answered]:
    """Run one statement as it stands. Raises StoreError with the database's words when it is wrong."""
    with database.read() as connection:
        found = connection.exec_driver_sql(sql)
        if not found.returns_rows:
            yield Answered((), iter(()))
            return
        yield Answered(tuple(found.keys()), (tuple(row) for row in found))


def tables(database: Database) -> dict[str, tuple[str, ...]]:
    """Every table and view with its columns."""
    with database.read() as connection:
        found = inspect(connection)
        names = [*found.get_table_names(), *found.get_view_names()]
        return {name: tuple(column["name"] for column in found.get_columns(name)) for name in names}
