"""The streams that the memory knows: made on demand, marked when the settings drop them, reset by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, delete, insert, select, update

from poller.core.command import Move
from poller.core.errors import StoreError
from poller.core.model import Source, Stream
from poller.core.runs import StreamState
from poller.core.steps import Checkpoint
from poller.core.validators import decode
from poller.store import catalog
from poller.store.database import Database
from poller.store.dialects import Dialect
from poller.store.refill import follow_settings
from poller.store.tables import scans, sources, streams, watermarks

LIVE = "live"
"""The kind of scan that polls make; backfills will have their own."""


def ensure_streams(database: Database, settings: Sequence[Source]) -> None:
    """Make a row and a mirror table for every stream of the settings; mark the others removed.

    Raises StoreError when a stream's table exists and is another's.
    """
    with database.write() as connection:
        now = database.dialect.now(connection)
        ids = {source.name: ensure_source(connection, source.name) for source in settings}
        wanted = [stream for source in settings for stream in source.streams]
        for stream in wanted:
            _ensure(connection, database.dialect, ids[stream.source], stream, now)
        _mark_removed(connection, {str(stream) for stream in wanted}, now)


def ensure_source(connection: Connection, name: str) -> int:
    """The id of a source, which gets its row when it has none."""
    found = connection.execute(select(sources.c.id).where(sources.c.name == name)).scalar()
    if found is not None:
        return int(found)
    made = connection.execute(insert(sources).values(name=name)).inserted_primary_key
    assert made is not None
    return int(made[0])


def find(connection: Connection, name: str) -> Row[tuple[object, ...]]:
    """The row of a stream. Raises StoreError when the database does not know it."""
    row = connection.execute(select(streams).where(streams.c.name == name)).first()
    if row is None:
        raise StoreError(f"the database knows no stream {name}", hint=_known(connection))
    return row


def state(connection: Connection, stream: Stream) -> StreamState:
    """What stands of a stream when a run begins."""
    row = find(connection, str(stream))
    scan = connection.execute(select(scans).where(scans.c.stream_id == row.id, scans.c.kind == LIVE)).first()
    return StreamState(
        epoch=row.epoch,
        watermark=row.watermark,
        watermark_text=row.watermark_text,
        highest=row.highest,
        complete_through=row.complete_through,
        drained_once=bool(row.drained_once),
        fingerprint=row.fingerprint,
        checkpoint=None if scan is None else _checkpoint(scan),
        validators=decode(row.validators),
    )


def move_watermark(database: Database, move: Move) -> int:
    """Move a watermark by hand. Returns the new epoch.

    Works without the lease: the bumped epoch fences off a run under way at its next commit,
    and its scan is void. The fingerprint goes too, since the settings of today give the new
    watermark its meaning; and so do the validators, or an unchanged listing would not be read.
    """
    with database.write() as connection:
        row = find(connection, move.stream)
        connection.execute(delete(scans).where(scans.c.stream_id == row.id))
        connection.execute(
            update(streams)
            .where(streams.c.id == row.id)
            .values(
                epoch=row.epoch + 1,
                watermark=move.to,
                watermark_text=move.text,
                highest=None,
                fingerprint=None,
                validators=None,
            )
        )
        connection.execute(
            insert(watermarks).values(
                stream_id=row.id,
                moved_at=database.dialect.now(connection),
                who=move.who,
                why=move.why,
                from_position=row.watermark,
                to_position=move.to,
                epoch=row.epoch + 1,
            )
        )
        return int(row.epoch) + 1


def _ensure(connection: Connection, dialect: Dialect, source_id: int, stream: Stream, now: datetime) -> None:
    row = connection.execute(select(streams).where(streams.c.name == str(stream))).first()
    if row is None:
        _create(connection, dialect, source_id, stream, now)
        return
    if row.table_name != stream.table:
        raise StoreError(
            f"{stream} is mirrored into the table {row.table_name}, the settings say {stream.table}",
            hint=f'set table = "{row.table_name}", or give the stream another name to load it afresh',
        )
    if row.state == "removed":
        back = (
            update(streams)
            .where(streams.c.id == row.id)
            .values(state="active", removed_at=None, last_slot=None, schedule_fingerprint=None)
        )  # its slots ended with its removal, and begin afresh
        connection.execute(back)
    follow_settings(connection, dialect, row.id, stream, now)


def _create(connection: Connection, dialect: Dialect, source_id: int, stream: Stream, now: datetime) -> None:
    if dialect.exists(connection, stream.table):
        raise StoreError(
            f"{stream} cannot be mirrored into {stream.table}: the database has a table of that name",
            hint=f"set another table for {stream}, or drop {stream.table} if nobody needs it",
        )
    made = connection.execute(
        insert(streams).values(source_id=source_id, name=str(stream), table_name=stream.table, added_at=now)
    ).inserted_primary_key
    assert made is not None
    catalog.create(connection, dialect, int(made[0]), stream)


def _mark_removed(connection: Connection, wanted: Iterable[str], now: datetime) -> None:
    """Streams that the settings no longer have: their tables stay, their slots end."""
    connection.execute(
        update(streams)
        .where(streams.c.state == "active", streams.c.name.not_in(sorted(wanted)))
        .values(state="removed", removed_at=now)
    )


def _checkpoint(row: Row[tuple[object, ...]]) -> Checkpoint:
    return Checkpoint(
        state=row.state,
        fingerprint=row.fingerprint,
        started_at=row.started_at,
        edge=row.edge,
        highest=row.highest,
        pages=row.pages,
        rows=row.rows,
        fresh=row.fresh,
    )


def _known(connection: Connection) -> str:
    names = connection.execute(select(streams.c.name).order_by(streams.c.name)).scalars().all()
    return f"it knows {', '.join(names)}" if names else "it knows no streams yet"
