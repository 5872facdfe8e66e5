"""Tombstones that no record of the stream itself asks for.

Another stream names them, or a full listing lacks their rows. They are written in the page transaction
that brings the news, numbered in the change feed like any other change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Row, bindparam, select, update

from poller.core.burials import told
from poller.core.decide import Terms, Write, decide, stamp
from poller.core.model import Burial
from poller.core.position import Position
from poller.core.runs import OpenRun
from poller.core.steps import Commit
from poller.store.dialects import Dialect
from poller.store.letters import Letter
from poller.store.sheet import Sheet
from poller.store.tables import streams

_COUNT_ON = update(streams).where(streams.c.id == bindparam("stream")).values(seq=bindparam("last"))
_COUNT_UNKEPT = _COUNT_ON.values(changes_floor=bindparam("last"))
"""Counts changes that nobody keeps: a reader below them is told so, for ever."""


@dataclass(frozen=True, slots=True)
class Graveyard:
    """A mirror whose rows are to be marked deleted. ``seq`` is the number of its last change;
    ``kept`` what its change feed keeps; ``most`` the largest part of it that a listing may bury.
    """

    stream_id: int
    table: str
    seq: int
    kept: str
    most: float = 0.0


def count_on(connection: Connection, stream_id: int, last: int, kept: str) -> None:
    """Remember the number of a stream's last change."""
    count = _COUNT_UNKEPT if kept == "off" else _COUNT_ON
    connection.execute(count, {"stream": stream_id, "last": last})


def bury_told(
    connection: Connection, dialect: Dialect, run: OpenRun, asked: Commit, writes: Sequence[Write]
) -> list[Letter]:
    """Mark deleted what ``writes``, of a feed of deletions, name; the letters of those that name nothing."""
    letters: list[Letter] = []
    for burial in run.stream.burials:
        news = told(burial, writes)
        letters += map(Letter, news.rejects)
        row = _locked(connection, burial)
        if row is None or not news.tombstones:
            continue
        grave = Graveyard(row.id, row.table_name, row.seq, burial.changes)
        held = dialect.held(connection, grave.table, [record.key for record in news.tombstones])
        batch = decide(news.tombstones, held, Terms(asked.requested_at))
        bury(connection, dialect, grave, run.run_id, asked, batch.writes)
    return letters


def bury(
    connection: Connection,
    dialect: Dialect,
    grave: Graveyard,
    run_id: int,
    asked: Commit,
    writes: Sequence[Write],
) -> Graveyard:
    """Write tombstones and their changes; the graveyard after them. A row that was never seen gets a
    tombstone without columns, so that no older version of it is taken for a new row.
    """
    if not writes:
        return grave
    edge: Position | None = asked.edge
    sheet = Sheet(grave.stream_id, run_id, stamp(asked.requested_at), edge, grave.seq + 1, writes)
    before = dialect.payloads(connection, grave.table, sheet.replaced) if grave.kept == "full" else {}
    if sheet.shown.writes:
        dialect.upsert(connection, grave.table, [], sheet.rows([]))
    if sheet.buried.writes:
        dialect.bury(connection, grave.table, sheet.burials())
    if grave.kept != "off":
        changes = sheet.changes(dict(before)) if grave.kept == "full" else sheet.keys()
        dialect.append_changes(connection, changes)
    count_on(connection, grave.stream_id, sheet.last, grave.kept)
    return replace(grave, seq=sheet.last)


def _locked(connection: Connection, burial: Burial) -> Row[tuple[object, ...]] | None:
    """The other stream's row; None while the memory does not know it."""
    named = streams.c.name == burial.stream
    connection.execute(
        update(streams).where(named).values(seq=streams.c.seq)
    )  # so that nobody counts beside us
    return connection.execute(select(streams).where(named)).first()
