"""Columns that the settings name for a table that has rows: made, and filled from the payloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection, update

from poller.core.column_values import stored
from poller.core.columns import Catalog, Column, SchemaStep, columns_of_settings, lay_out, plan_columns
from poller.core.exact import exact_number
from poller.core.model import Stream
from poller.core.page import Record
from poller.store import catalog
from poller.store.catalog import Mirror
from poller.store.dialects import Dialect
from poller.store.tables import columns, streams

_BATCH = 1000
_DECODER = msgspec.json.Decoder(dict[str, object], float_hook=exact_number)


def follow_settings(
    connection: Connection, dialect: Dialect, stream_id: int, stream: Stream, now: datetime
) -> None:
    """Give the mirror the columns that the settings name by now.

    A column that has another path than before is filled anew, and widens if its values ask
    for it; the type that a rule asks for counts only when the column is made. A run under way
    knows the old columns alone and would leave the new ones stale: it is fenced off.
    """
    mirror = catalog.load(connection, stream_id, stream)
    wanted = columns_of_settings(stream)
    held = {column.name: column for column in mirror.catalog.columns}
    added = tuple(column for column in wanted if column.name not in held)
    moved = tuple(column for column in wanted if column.name in held and _moved(column, held[column.name]))
    for column in moved:
        connection.execute(
            update(columns)
            .where(columns.c.stream_id == stream_id, columns.c.name == column.name)
            .values(field=column.field, origin="settings")
        )
    if added or moved:
        fenced_off = update(streams).where(streams.c.id == stream_id).values(epoch=streams.c.epoch + 1)
        connection.execute(fenced_off)
        mirror = catalog.load(connection, stream_id, stream)
        mirror = catalog.take(connection, dialect, mirror, SchemaStep(added, ()), now, None)
        _fill(connection, dialect, mirror, [column.name for column in (*added, *moved)], now)


def _moved(wanted: Column, held: Column) -> bool:
    return wanted.path is not None and wanted.path != held.path


def _fill(
    connection: Connection, dialect: Dialect, mirror: Mirror, names: Sequence[str], now: datetime
) -> None:
    after = ""
    while batch := dialect.payloads_after(connection, mirror.table, after, _BATCH):
        records = [Record(key, None, None, payload, _DECODER.decode(payload), "") for key, payload in batch]
        found = lay_out(_only(mirror.catalog, names), records)
        step = plan_columns(_only(mirror.catalog, names), records, found)
        if step is not None and step.widened:
            mirror = catalog.take(connection, dialect, mirror, replace(step, added=(), full=False), now, None)
        values = stored(_only(mirror.catalog, names), records, found, [None] * len(records))
        dialect.fill(
            connection, mirror.table, names, list(zip(*values, [key for key, _ in batch], strict=True))
        )
        after = batch[-1][0]


def _only(whole: Catalog, names: Sequence[str]) -> Catalog:
    """The named columns, in the order of ``names``."""
    by_name = {column.name: column for column in whole.columns}
    return replace(whole, columns=tuple(by_name[name] for name in names), full=True)
