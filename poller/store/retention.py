"""What is no longer kept: looked for without a lock, deleted a little at a time, and never what is open.

Open are runs under way with their requests, missed polls that nothing has healed, and dead letters that
nothing has closed. Of each stream its newest run and its newest good one stay, however old: they say how
it stands. Before changes go, the stream's floor rises over them, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from sqlalchemy import ColumnElement, Select, Table, and_, delete, select, update

from poller.core.runs import Outcome
from poller.store.database import Database
from poller.store.tables import (
    changes,
    commands,
    dead_letters,
    missed_polls,
    requests,
    runs,
    streams,
)

STEP = 500
"""Rows that one transaction deletes at most, so that no poll waits long for it."""

Step = tuple[str, int]
"""What was pruned, in a word, and how many rows of it."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long what happened is kept; None for ever.

    ``runs`` also counts for healed missed polls and closed dead letters.
    """

    runs: timedelta | None
    requests: timedelta | None
    changes: timedelta | None
    commands: timedelta = timedelta(days=30)


def pruning(database: Database, keep: Keep, now: datetime) -> Iterator[Step]:
    """Prune: each step is one small transaction. To stop in the middle is safe, and to begin again.

    Raises StoreError when the database refuses.
    """
    if keep.requests is not None:
        yield from _prune(database, "requests", requests, _old_requests(now - keep.requests))
    if keep.runs is not None:
        yield from _prune_runs(database, now - keep.runs)
        yield from _prune(database, "missed polls", missed_polls, missed_polls.c.healed_at < now - keep.runs)
        yield from _prune(database, "dead letters", dead_letters, _closed_letters(now - keep.runs))
    if keep.changes is not None:
        yield from _prune_changes(database, now - keep.changes)
    yield from _prune(database, "commands", commands, commands.c.ended_at < now - keep.commands)


_GOOD = (Outcome.OK.value, Outcome.PARTIAL.value)
_OPEN_RUNS = select(runs.c.id).where(runs.c.outcome.is_(None))


def _old_requests(before: datetime) -> ColumnElement[bool]:
    return and_(requests.c.sent_at < before, requests.c.run_id.not_in(_OPEN_RUNS))


def _closed_letters(before: datetime) -> ColumnElement[bool]:
    """One that was closed and still comes back is kept: it would else be opened as a new one."""
    return and_(dead_letters.c.closed_at < before, dead_letters.c.last_seen_at < before)


def _prune(database: Database, what: str, table: Table, prunable: ColumnElement[bool]) -> Iterator[Step]:
    """Delete the rows of ``table`` that are prunable, and are so still when the lock is held."""
    while found := _read(database, select(table.c.id).where(prunable).limit(STEP)):
        with database.write() as connection:
            dropped = connection.execute(delete(table).where(table.c.id.in_(found), prunable))
        yield what, dropped.rowcount


def _prune_runs(database: Database, before: datetime) -> Iterator[Step]:
    """A run goes when its requests are gone, so that no step deletes more than a few rows."""
    oldest = select(runs.c.ended_at).where(runs.c.stream_id == streams.c.id).order_by(runs.c.id).limit(1)
    for stream_id in _read(database, select(streams.c.id).where(oldest.scalar_subquery() < before)):
        while found := _read(database, _old_runs(stream_id, before)):
            yield from _prune(database, "requests", requests, requests.c.run_id.in_(found))
            with database.write() as connection:
                dropped = connection.execute(delete(runs).where(runs.c.id.in_(found)))
            yield "runs", dropped.rowcount


def _old_runs(stream_id: int, before: datetime) -> Select[int]:
    newest = runs.alias()
    ended = select(newest.c.id).where(newest.c.stream_id == stream_id, newest.c.outcome.is_not(None))
    last = ended.order_by(newest.c.id.desc()).limit(1)
    last_good = last.where(newest.c.outcome.in_(_GOOD))
    return (
        select(runs.c.id)
        .where(runs.c.stream_id == stream_id, runs.c.outcome.is_not(None), runs.c.ended_at < before)
        .where(runs.c.id.not_in(last), runs.c.id.not_in(last_good))
        .order_by(runs.c.id)
        .limit(STEP)
    )


def _prune_changes(database: Database, before: datetime) -> Iterator[Step]:
    """From the lowest number up: what is left of a feed has no hole, and the floor says where it begins."""
    oldest = select(changes.c.observed_at).where(changes.c.stream_id == streams.c.id).order_by(changes.c.seq)
    due = select(streams.c.id).where(oldest.limit(1).scalar_subquery() < before)
    for stream_id in _read(database, due):
        while (through := _old_changes(database, stream_id, before)) is not None:
            of_stream = changes.c.stream_id == stream_id
            with database.write() as connection:
                floor = update(streams).where(streams.c.id == stream_id, streams.c.changes_floor < through)
                connection.execute(floor.values(changes_floor=through))
                dropped = connection.execute(delete(changes).where(of_stream, changes.c.seq <= through))
            yield "changes", dropped.rowcount


def _old_changes(database: Database, stream_id: int, before: datetime) -> int | None:
    """The number of the last change of a stream's oldest few that is too old; None when none is."""
    oldest = select(changes.c.seq, changes.c.observed_at).where(changes.c.stream_id == stream_id)
    with database.read() as connection:
        found = connection.execute(oldest.order_by(changes.c.seq).limit(STEP)).all()
    old = [row.seq for row in takewhile(lambda row: row.observed_at < before, found)]
    return old[-1] if old else None


def _read(database: Database, asked: Select[int]) -> list[int]:
    with database.read() as connection:
        return [row[0] for row in connection.execute(asked)]
