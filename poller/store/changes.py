"""The change feed as readers ask for it: by token, over several streams, and never with a silent hole.

Within a stream the numbers go up by one. Over streams the change that was observed first comes first,
then the stream whose name does. Before a change is handed out, its number is compared with the one
before it: whatever took a change away, the reader hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import ColumnClause, Connection, Row, column, select, table

from poller.core.errors import SnapshotNeeded
from poller.core.feed_token import Bookmark, FeedToken
from poller.core.position import Position
from poller.store.database import Database
from poller.store.tables import changes, streams
from poller.store.types import Moment, Place
from poller.store.views import of_streams

_CHUNK = 100
"""Rows of one stream that are read with one statement."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change; ``before`` and ``after`` are records as received (JSON text), None when there is none."""

    stream: str
    seq: int
    op: str
    key: str
    position: Position | None
    observed_at: datetime
    run: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Changes in the order of the feed, and where the reader of the first of them stands."""

    start: FeedToken
    changes: Sequence[ChangeView]

    @property
    def end(self) -> FeedToken:
        """Where the reader of all of them stands."""
        last = {change.stream: change.seq for change in self.changes}
        return self.start.moved({name: Bookmark(seq, self.start.at(name).born) for name, seq in last.items()})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The living rows, as changes with the op ``snapshot``, and where the feed goes on behind them."""

    rows: Iterator[ChangeView]
    token: FeedToken


@dataclass(frozen=True, slots=True)
class _Standing:
    """How far the feed of one stream goes: what is above ``floor`` is kept, up to ``seq``."""

    stream_id: int
    name: str
    table: str
    seq: int
    floor: int
    born: int

    @property
    def end(self) -> Bookmark:
        return Bookmark(self.seq, self.born)


def changes_after(database: Database, token: FeedToken, names: Sequence[str], limit: int) -> FeedPage:
    """The first ``limit`` changes of these streams behind ``token``; fewer when there are no more now.

    Streams that the database does not know are left out, and keep their place in the token.
    Raises SnapshotNeeded when a change in between is no longer kept.
    """
    with database.read() as connection:
        standings = _standings(connection, names)
        start = _entered(token, standings)
        feeds = [_onward(connection, each, start.at(each.name).seq) for each in standings]
        return FeedPage(start, list(islice(merge(*feeds, key=_order), limit)))


def newest_changes(database: Database, names: Sequence[str], limit: int) -> FeedPage:
    """The newest ``limit`` changes of these streams that are kept."""
    with database.read() as connection:
        standings = _standings(connection, names)
        feeds = [_backwards(connection, each) for each in standings]
        found = list(islice(merge(*feeds, key=_order, reverse=True), limit))[::-1]
    first = {change.stream: change.seq for change in reversed(found)}
    start = {each.name: Bookmark(first.get(each.name, each.seq + 1) - 1, each.born) for each in standings}
    return FeedPage(FeedToken(start), found)


def feed_end(database: Database, names: Sequence[str]) -> FeedToken:
    """Where a reader stands who wants what is committed from now on."""
    with database.read() as connection:
        return FeedToken(_ends(_standings(connection, names)))


@contextmanager
def snapshot(database: Database, token: FeedToken, names: Sequence[str]) -> Iterator[Snapshot]:
    """The rows of these streams, all as of one moment, to be read inside the block.

    Its token is ``token`` with these streams at that moment, whatever it said of them before.
    """
    with database.read() as connection:
        standings = _standings(connection, names)
        rows = (row for each in standings for row in _living(connection, each))
        yield Snapshot(rows, token.moved(_ends(standings)))


_OF_STREAM = select(changes).order_by(changes.c.seq)
_META: tuple[ColumnClause[Any], ...] = (
    column("_key"),
    column("_seq"),
    column("_position", Place),
    column("_changed_at", Moment),
    column("_run_id"),
    column("_payload"),
)
_DELETED_AT: ColumnClause[str | None] = column("_deleted_at")


def _standings(connection: Connection, names: Sequence[str]) -> list[_Standing]:
    found = connection.execute(of_streams(select(streams), names).order_by(streams.c.name))
    return [
        _Standing(
            row.id,
            row.name,
            row.table_name,
            row.seq,
            row.changes_floor,
            (row.added_at - _EPOCH) // timedelta(microseconds=1),
        )
        for row in found
    ]


def _ends(standings: Sequence[_Standing]) -> Mapping[str, Bookmark]:
    return {each.name: each.end for each in standings}


def _entered(token: FeedToken, standings: Sequence[_Standing]) -> FeedToken:
    """``token`` with every one of these streams in it. Raises SnapshotNeeded."""
    looked_at = {each.name: _refused(each, token.at(each.name)) for each in standings}
    refused = {name: why for name, why in looked_at.items() if why is not None}
    if refused:
        raise _snapshot_needed("; ".join(refused.values()), list(refused))
    return token.moved({each.name: Bookmark(token.at(each.name).seq, each.born) for each in standings})


def _refused(standing: _Standing, mark: Bookmark) -> str | None:
    """Why the feed cannot go on from ``mark``; None when it can."""
    if mark.born is not None and mark.born != standing.born:
        return f"{standing.name} was made anew since the token was given, and its numbers mean other changes"
    if mark.seq > standing.seq:
        return (
            f"{standing.name} stands at change {standing.seq} and the reader at change {mark.seq}: "
            "the database was made anew or put back from a copy"
        )
    return _missing(standing.name, mark.seq, standing.floor) if mark.seq < standing.floor else None


def _missing(name: str, after: int, through: int) -> str:
    return f"changes {after + 1} to {through} of {name} are no longer kept"


def _snapshot_needed(why: str, names: Sequence[str]) -> SnapshotNeeded:
    return SnapshotNeeded(
        why,
        hint=f"take a snapshot: `poller changes {' '.join(names)} --snapshot` prints the rows that stand and "
        "the token to go on from; with --after TOKEN, other streams keep their places in it",
    )


def _order(change: ChangeView) -> tuple[datetime, str]:
    return change.observed_at, change.stream


def _onward(connection: Connection, standing: _Standing, after: int) -> Iterator[ChangeView]:
    of_stream = _OF_STREAM.where(changes.c.stream_id == standing.stream_id).limit(_CHUNK)
    while after < standing.seq:
        found = connection.execute(of_stream.where(changes.c.seq > after)).all()
        if not found:
            raise _snapshot_needed(_missing(standing.name, after, standing.seq), [standing.name])
        for row in found:
            if row.seq != after + 1:
                raise _snapshot_needed(_missing(standing.name, after, row.seq - 1), [standing.name])
            yield _change(standing.name, row)
            after = row.seq


def _backwards(connection: Connection, standing: _Standing) -> Iterator[ChangeView]:
    kept = select(changes).where(changes.c.stream_id == standing.stream_id, changes.c.seq > standing.floor)
    newest_first = kept.order_by(changes.c.seq.desc()).limit(_CHUNK)
    before = standing.seq + 1
    while found := connection.execute(newest_first.where(changes.c.seq < before)).all():
        yield from (_change(standing.name, row) for row in found)
        before = found[-1].seq


def _living(connection: Connection, standing: _Standing) -> Iterator[ChangeView]:
    mirror = select(*_META).select_from(table(standing.table)).where(_DELETED_AT.is_(None))
    in_order, after = mirror.order_by(_META[0]).limit(_CHUNK), ""
    while found := connection.execute(in_order.where(_META[0] > after)).all():
        for key, seq, position, changed_at, run, payload in found:
            yield ChangeView(standing.name, seq, "snapshot", key, position, changed_at, run, None, payload)
        after = found[-1][0]


def _change(stream: str, row: Row[tuple[object, ...]]) -> ChangeView:
    return ChangeView(
        stream, row.seq, row.op, row.key, row.position, row.observed_at, row.run_id, row.before, row.after
    )
