"""The columns of each mirror table: read from ``poller_columns``, and changed together with the table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from poller.core.columns import Catalog, Column, ColumnType, SchemaStep, columns_of_settings
from poller.core.model import Stream
from poller.core.path import Path
from poller.core.position import TimeFormat
from poller.store.dialects import Dialect
from poller.store.tables import columns, schema_changes


@dataclass(frozen=True, slots=True)
class Mirror:
    """A stream's table: its row in ``poller_streams``, its name and its columns."""

    stream_id: int
    table: str
    catalog: Catalog


def load(connection: Connection, stream_id: int, stream: Stream) -> Mirror:
    """The mirror as it stands. A rule that the settings dropped leaves its column, still filled."""
    rows = connection.execute(
        select(columns.c.name, columns.c.field, columns.c.origin, columns.c.type)
        .where(columns.c.stream_id == stream_id)
        .order_by(columns.c.ordinal)
    )
    found = tuple(
        Column(
            row.name, row.field, ColumnType(row.type), Path(row.field) if row.origin == "settings" else None
        )
        for row in rows
    )
    full = connection.execute(
        select(schema_changes.c.id).where(
            schema_changes.c.stream_id == stream_id, schema_changes.c.kind == "full"
        )
    ).first()
    how = stream.since.how if stream.since is not None else TimeFormat()
    return Mirror(stream_id, stream.table, Catalog(found, how, full is not None))


def create(connection: Connection, dialect: Dialect, stream_id: int, stream: Stream) -> None:
    """Make the mirror table with the columns that the settings name."""
    initial = columns_of_settings(stream)
    dialect.create_mirror(connection, stream.table, initial)
    _remember(connection, stream_id, initial, 0)


def take(
    connection: Connection,
    dialect: Dialect,
    mirror: Mirror,
    step: SchemaStep,
    now: datetime,
    run_id: int | None,
) -> Mirror:
    """Take ``step`` on the table, the catalog and the record of schema changes, all or nothing."""
    dialect.alter_mirror(connection, mirror.table, mirror.catalog, step)
    for widening in step.widened:
        connection.execute(
            update(columns)
            .where(columns.c.stream_id == mirror.stream_id, columns.c.name == widening.column.name)
            .values(type=widening.to)
        )
    _remember(connection, mirror.stream_id, step.added, len(mirror.catalog.columns))
    noted = _noted(step)
    if noted:
        same = {"stream_id": mirror.stream_id, "changed_at": now, "run_id": run_id}
        connection.execute(insert(schema_changes), [{**change, **same} for change in noted])
    return replace(mirror, catalog=mirror.catalog.after(step))


def _remember(connection: Connection, stream_id: int, added: tuple[Column, ...], first: int) -> None:
    if added:
        connection.execute(
            insert(columns),
            [
                {
                    "stream_id": stream_id,
                    "name": column.name,
                    "field": column.field,
                    "origin": "field" if column.path is None else "settings",
                    "type": column.type.value,
                    "ordinal": first + number,
                }
                for number, column in enumerate(added)
            ],
        )


def _noted(step: SchemaStep) -> list[dict[str, str | None]]:
    noted = [_change("column", column, None, column.type) for column in step.added]
    noted += [_change("widened", wide.column, wide.column.type, wide.to) for wide in step.widened]
    if step.full:
        noted.append(
            {"kind": "full", "column_name": "_payload", "field": "*", "from_type": None, "to_type": None}
        )
    return noted


def _change(kind: str, column: Column, old: ColumnType | None, new: ColumnType) -> dict[str, str | None]:
    return {
        "kind": kind,
        "column_name": column.name,
        "field": column.field,
        "from_type": None if old is None else old.value,
        "to_type": new.value,
    }
