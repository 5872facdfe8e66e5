"""Mirror tables on SQLite: how they are made, and how they are rebuilt when a column must hold more.

A STRICT column cannot change its type in place. The table is made anew, copied with an exact
conversion, and takes the old one's name, in one transaction; indexes and triggers that users
put on it are made again, and their views go on to work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from poller.core.column_values import widened_value
from poller.core.columns import Catalog, Column, ColumnType, SchemaStep

_DECLARED = {
    ColumnType.UNKNOWN: "ANY",
    ColumnType.BOOLEAN: "INTEGER",
    ColumnType.INTEGER: "INTEGER",
    ColumnType.BIGINT: "INTEGER",
    ColumnType.FLOAT: "REAL",
}
"""Everything else is TEXT."""

_META_SQL = (
    "_key TEXT NOT NULL PRIMARY KEY",
    "_position TEXT",
    "_position_text TEXT",
    "_payload TEXT NOT NULL",
    "_hash TEXT NOT NULL",
    "_seq INTEGER NOT NULL",
    "_first_seen_at TEXT NOT NULL",
    "_changed_at TEXT NOT NULL",
    "_deleted_at TEXT",
    "_run_id INTEGER NOT NULL",
    "_ahead INTEGER NOT NULL DEFAULT 0",
)


def create(connection: Connection, table: str, columns: Sequence[Column]) -> None:
    """Make an empty mirror table."""
    defined = ", ".join(
        [*_META_SQL, *(f"{named(column.name)} {_declared(column.type)}" for column in columns)]
    )
    connection.exec_driver_sql(f"CREATE TABLE {named(table)} ({defined}) STRICT")


def alter(connection: Connection, table: str, catalog: Catalog, step: SchemaStep) -> None:
    """Widen, then add, the columns that ``step`` names."""
    if step.widened:
        _rebuild(connection, table, catalog, step)
    for column in step.added:
        connection.exec_driver_sql(
            f"ALTER TABLE {named(table)} ADD COLUMN {named(column.name)} {_declared(column.type)}"
        )


def widen(value: Any, old: str, new: str) -> Any:  # noqa: ANN401 (any SQL value)
    """The SQL function ``poller_widened(value, old, new)``."""
    return widened_value(value, ColumnType(old), ColumnType(new))


def named(name: str) -> str:
    """``name`` as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def _rebuild(connection: Connection, table: str, catalog: Catalog, step: SchemaStep) -> None:
    attached = _attached(connection, table)
    fresh = f"{table}__widening"
    wider = catalog.after(SchemaStep((), step.widened)).columns
    create(connection, fresh, wider)
    meta = [definition.split()[0] for definition in _META_SQL]
    into = ", ".join([*meta, *(named(column.name) for column in wider)])
    taken = ", ".join([*meta, *map(_copied, catalog.columns, wider)])
    copy = f"INSERT INTO {named(fresh)} ({into}) SELECT {taken} FROM {named(table)}"  # noqa: S608 (names are quoted)
    connection.exec_driver_sql(copy)
    connection.exec_driver_sql("PRAGMA legacy_alter_table = ON")  # or views of the table forbid its renaming
    try:
        connection.exec_driver_sql(f"DROP TABLE {named(table)}")
        connection.exec_driver_sql(f"ALTER TABLE {named(fresh)} RENAME TO {named(table)}")
    finally:
        connection.exec_driver_sql("PRAGMA legacy_alter_table = OFF")
    for statement in attached:
        connection.exec_driver_sql(statement)


def _attached(connection: Connection, table: str) -> list[str]:
    found = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master"
        " WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL",
        (table,),
    )
    return list(found.scalars())


def _copied(old: Column, new: Column) -> str:
    if old.type is new.type:
        return named(old.name)
    return f"poller_widened({named(old.name)}, '{old.type}', '{new.type}')"


def _declared(kind: ColumnType) -> str:
    return _DECLARED.get(kind, "TEXT")
