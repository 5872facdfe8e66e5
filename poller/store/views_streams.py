"""How each stream stands: one row of facts per stream, from which its state is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, func, select

from poller.core.errors import StoreError
from poller.core.health import Facts, deadlines
from poller.core.model import Stream
from poller.core.position import Position, canonical
from poller.core.runs import Outcome
from poller.store.database import Database
from poller.store.streams import LIVE
from poller.store.tables import dead_letters, missed_polls, runs, scans, streams


@dataclass(frozen=True, slots=True)
class StreamView:
    """What stands of one stream. ``rows`` are alive; ``last_success`` is when a poll last ended well."""

    name: str
    table: str
    removed: bool
    """The settings no longer have it; its table stays."""
    epoch: int
    seq: int
    watermark: Position | None
    watermark_text: str | None
    complete_through: Position | None
    fingerprint: str | None
    drained_at: datetime | None
    added_at: datetime
    moved_at: datetime | None
    """When the request of the newest committed page was sent."""
    last_success: datetime | None
    last_good_slot: datetime | None
    """The newest slot, or moment, that a successful run answers for."""
    last_outcome: str | None
    last_error: str | None
    """Of the newest run that has ended."""
    open_missed: int
    open_letters: int
    rows: int
    scan_pages: int | None
    """Pages of the scan under way; None when none is."""
    scan_rows: int | None


def stream_views(database: Database, names: Sequence[str] = ()) -> list[StreamView]:
    """Every stream that the database knows, or these, by name."""
    asked = select(streams).order_by(streams.c.name)
    if names:
        asked = asked.where(streams.c.name.in_(names))
    with database.read() as connection:
        return [_view(connection, row) for row in connection.execute(asked).all()]


def stream_view(database: Database, name: str) -> StreamView:
    """One stream. Raises StoreError when the database does not know it."""
    found = stream_views(database, [name])
    if not found:
        raise StoreError(
            f"the database knows no stream {name} yet",
            hint=f"`poller once {name}` polls it for the first time",
        )
    return found[0]


def stream_names(database: Database) -> list[str]:
    """The names of all streams that the database knows, removed ones too."""
    with database.read() as connection:
        return list(connection.execute(select(streams.c.name).order_by(streams.c.name)).scalars())


def rows_from(database: Database, table: str, position: Position | None) -> int:
    """How many rows of a mirror stand at or after ``position``; None counts all."""
    where = "" if position is None else " WHERE _position >= ?"
    values = () if position is None else (canonical(position),)
    with database.read() as connection:
        count = connection.exec_driver_sql(f"SELECT count(*) FROM {_named(table)}{where}", values)  # noqa: S608
        return int(count.scalar_one())


def facts(view: StreamView, stream: Stream, now: datetime, blocked: str | None) -> Facts:
    """What :func:`poller.core.health.judge` wants to know of a stream at ``now``."""
    since = view.added_at if view.last_good_slot is None else view.last_good_slot
    due, hopeless_after = deadlines(stream.schedule, since, now, stream.grace)
    return Facts(
        due=due,
        hopeless_after=hopeless_after,
        grace=stream.grace,
        last_drained=view.drained_at,
        last_outcome=None if view.last_outcome is None else Outcome(view.last_outcome),
        moved_at=view.moved_at,
        open_missed=view.open_missed,
        scan_open=view.scan_pages is not None,
        blocked=blocked,
    )


_GOOD = (Outcome.OK.value, Outcome.PARTIAL.value)


def _view(connection: Connection, row: Row[tuple[object, ...]]) -> StreamView:
    of_stream = runs.c.stream_id == row.id
    newest = select(runs).where(of_stream, runs.c.outcome.is_not(None)).order_by(runs.c.id.desc()).limit(1)
    ended = connection.execute(newest).first()
    good = connection.execute(newest.where(runs.c.outcome.in_(_GOOD))).first()
    live = select(scans.c.pages, scans.c.rows).where(scans.c.stream_id == row.id, scans.c.kind == LIVE)
    scan = connection.execute(live).first()
    return StreamView(
        name=row.name,
        table=row.table_name,
        removed=row.state == "removed",
        epoch=row.epoch,
        seq=row.seq,
        watermark=row.watermark,
        watermark_text=row.watermark_text,
        complete_through=row.complete_through,
        fingerprint=row.fingerprint,
        drained_at=row.drained_at,
        added_at=row.added_at,
        moved_at=row.requested_at,
        last_success=None if good is None else good.ended_at,
        last_good_slot=None if good is None else good.last_slot or good.ended_at,
        last_outcome=None if ended is None else ended.outcome,
        last_error=None if ended is None else ended.error,
        open_missed=_open_missed(connection, row.id),
        open_letters=_open_letters(connection, row.id),
        rows=_alive(connection, row.table_name),
        scan_pages=None if scan is None else scan.pages,
        scan_rows=None if scan is None else scan.rows,
    )


def _open_missed(connection: Connection, stream_id: int) -> int:
    asked = select(func.coalesce(func.sum(missed_polls.c.slots), 0))
    is_open = (missed_polls.c.stream_id == stream_id, missed_polls.c.healed_by.is_(None))
    return int(connection.execute(asked.where(*is_open)).scalar_one())


def _open_letters(connection: Connection, stream_id: int) -> int:
    is_open = (dead_letters.c.stream_id == stream_id, dead_letters.c.closed_at.is_(None))
    return int(
        connection.execute(select(func.count()).select_from(dead_letters).where(*is_open)).scalar_one()
    )


def _alive(connection: Connection, table: str) -> int:
    sql = f"SELECT count(*) FROM {_named(table)} WHERE _deleted_at IS NULL"  # noqa: S608 (our own table's name)
    return int(connection.exec_driver_sql(sql).scalar_one())


def _named(table: str) -> str:
    quoted = table.replace('"', '""')
    return f'"{quoted}"'
