"""What the system tables say, for whoever reads: runs, missed polls, watermarks moved by hand.

Every function opens one read-only view of what is committed. Lists of what happened come in the
order in which it happened, and hold the newest ``limit`` of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Row, Select, make_url, select
from sqlalchemy.exc import ArgumentError

from poller.core.errors import StoreUnavailable
from poller.core.position import Position
from poller.store.database import Database, open_database
from poller.store.tables import missed_polls, notices, runs, streams, watermarks


@dataclass(frozen=True, slots=True)
class RunView:
    """One run; idle polls that follow each other are one row, and ``polls`` counts them."""

    run: int
    stream: str
    kind: str
    outcome: str | None
    """None while it is under way."""
    category: str | None
    error: str | None
    started_at: datetime
    ended_at: datetime | None
    first_slot: datetime | None
    last_slot: datetime | None
    polls: int
    pages: int
    rows_read: int
    inserted: int
    updated: int
    unchanged: int
    deleted: int
    refused: int
    dead: int
    late: int
    requests: int
    failed_requests: int
    bytes_received: int
    healed: int
    watermark_before: Position | None
    watermark_after: Position | None
    notices: tuple[str, ...] = ()
    """``kind: words``, one per kind."""


@dataclass(frozen=True, slots=True)
class MissedView:
    """A stretch of slots without a successful run of their own; ``healed_by`` None: still open."""

    stream: str
    first_slot: datetime
    last_slot: datetime
    slots: int
    reason: str
    recorded_at: datetime
    healed_by: int | None
    healed_at: datetime | None


@dataclass(frozen=True, slots=True)
class MoveView:
    """A watermark that somebody moved; ``to`` None: to the start."""

    stream: str
    moved_at: datetime
    who: str
    why: str
    before: Position | None
    to: Position | None
    epoch: int


def open_existing(url: str) -> Database:
    """The database at ``url`` to look into, which is not made when it does not exist.

    Raises StoreUnavailable when there is none yet, SchemaOutdated when its tables are not this
    program's, StoreError for a URL that names no supported database.
    """
    missing = absent_file(url)
    if missing is not None:
        raise StoreUnavailable(
            f"there is no database {missing} yet",
            hint="`poller once` or `poller run` makes it; is [database] url the right one?",
        )
    database = open_database(url)
    try:
        database.require_current()
    except BaseException:
        database.close()
        raise
    return database


def absent_file(url: str) -> Path | None:
    """The file that ``url`` names, when it names one that does not exist; else None."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    path = Path(parsed.database)
    return None if path.exists() else path


def run_views(
    database: Database, names: Sequence[str], limit: int, outcomes: Sequence[str] = ()
) -> list[RunView]:
    """The newest ``limit`` runs of these streams; with ``outcomes``, only those that ended so."""
    asked = of_streams(select(runs, streams.c.name.label("stream")).join(streams), names)
    if outcomes:
        asked = asked.where(runs.c.outcome.in_(outcomes))
    with database.read() as connection:
        found = connection.execute(asked.order_by(runs.c.id.desc()).limit(limit)).all()
        noticed = _notices(connection, [row.id for row in found])
    return [_run_view(row, noticed.get(row.id, ())) for row in reversed(found)]


def open_runs(database: Database) -> list[RunView]:
    """The runs under way."""
    asked = select(runs, streams.c.name.label("stream")).join(streams).where(runs.c.outcome.is_(None))
    with database.read() as connection:
        return [_run_view(row, ()) for row in connection.execute(asked.order_by(runs.c.id)).all()]


def missed_views(database: Database, names: Sequence[str], limit: int) -> list[MissedView]:
    """The newest ``limit`` stretches of missed polls, healed or not."""
    return _missed(database, of_streams(_MISSED, names), limit)


def open_missed_views(database: Database, names: Sequence[str], limit: int) -> list[MissedView]:
    """The newest ``limit`` stretches of missed polls that no run has healed yet."""
    return _missed(database, of_streams(_MISSED, names).where(missed_polls.c.healed_by.is_(None)), limit)


def move_views(database: Database, names: Sequence[str], limit: int) -> list[MoveView]:
    """The newest ``limit`` watermarks that were moved by hand."""
    asked = of_streams(select(watermarks, streams.c.name.label("stream")).join(streams), names)
    with database.read() as connection:
        found = connection.execute(asked.order_by(watermarks.c.id.desc()).limit(limit)).all()
    return [
        MoveView(row.stream, row.moved_at, row.who, row.why, row.from_position, row.to_position, row.epoch)
        for row in reversed(found)
    ]


_MISSED = select(missed_polls, streams.c.name.label("stream")).join(streams)
_COUNTS = (
    *("polls", "pages", "rows_read", "inserted", "updated", "unchanged", "deleted", "refused", "dead"),
    *("late", "requests", "failed_requests", "bytes_received", "healed"),
)


def of_streams(asked: Select[tuple[object, ...]], names: Sequence[str]) -> Select[tuple[object, ...]]:
    """Only these streams; an empty list asks for all, also for those that the settings no longer have."""
    return asked.where(streams.c.name.in_(names)) if names else asked


def _run_view(row: Row[tuple[object, ...]], noticed: tuple[str, ...]) -> RunView:
    return RunView(
        run=row.id,
        stream=row.stream,
        kind=row.kind,
        outcome=row.outcome,
        category=row.category,
        error=row.error,
        started_at=row.started_at,
        ended_at=row.ended_at,
        first_slot=row.first_slot,
        last_slot=row.last_slot,
        watermark_before=row.watermark_before,
        watermark_after=row.watermark_after,
        notices=noticed,
        **{name: getattr(row, name) for name in _COUNTS},
    )


def _notices(connection: Connection, run_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    asked = select(notices.c.run_id, notices.c.kind, notices.c.text).where(notices.c.run_id.in_(run_ids))
    found: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(asked.order_by(notices.c.noticed_at)):
        found[row.run_id] = (*found.get(row.run_id, ()), f"{row.kind}: {row.text}")
    return found


def _missed(database: Database, asked: Select[tuple[object, ...]], limit: int) -> list[MissedView]:
    newest = asked.order_by(missed_polls.c.last_slot.desc(), missed_polls.c.id.desc()).limit(limit)
    with database.read() as connection:
        return [
            MissedView(
                row.stream,
                row.first_slot,
                row.last_slot,
                row.slots,
                row.reason,
                row.recorded_at,
                row.healed_by,
                row.healed_at,
            )
            for row in reversed(connection.execute(newest).all())
        ]
