"""The page transaction: fence, held versions, decision, writes, and the place behind it last.

All of it stands or none. A page that does not fit the table's columns is rolled back, the
columns are changed in a transaction of their own, and the page is begun again; a crash in
between leaves only a wider table. Likewise a record that the database cannot store leaves the
page, alone, for the dead letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import Connection, Row, bindparam, case, insert, select, update

from poller.core.column_values import stored
from poller.core.columns import SchemaStep, lay_out, plan_columns
from poller.core.decide import Batch, Terms, decide, stamp
from poller.core.errors import Fenced
from poller.core.page import Record
from poller.core.runs import Attempt, OpenRun, RunKind
from poller.core.steps import Checkpoint, Commit, Committed, Notice
from poller.store import catalog, letters, runs
from poller.store.burials import Graveyard, bury_told, count_on
from poller.store.catalog import Mirror
from poller.store.database import Database
from poller.store.dialects import Dialect
from poller.store.drained import finish
from poller.store.leases import Owner
from poller.store.letters import Came, Letter
from poller.store.listing import bury_absent, note_listed
from poller.store.sheet import Sheet
from poller.store.streams import LIVE
from poller.store.tables import scans, sources, streams


class _TooNarrow(Exception):
    def __init__(self, step: SchemaStep) -> None:
        super().__init__()
        self.step = step


_SENT = bindparam("sent", type_=streams.c.requested_at.type)
_FENCE = (
    update(streams)
    .where(
        streams.c.id == bindparam("stream"),
        streams.c.epoch == bindparam("begun_in", type_=streams.c.epoch.type),
        streams.c.source_id.in_(select(sources.c.id).where(sources.c.lease_token == bindparam("token"))),
    )
    .values(requested_at=case((streams.c.requested_at > _SENT, streams.c.requested_at), else_=_SENT))
)
_STREAM = select(streams).where(streams.c.id == bindparam("stream"))
_NAME_MEANING = (
    update(streams)
    .where(streams.c.id == bindparam("stream"), streams.c.fingerprint.is_(None))
    .values(fingerprint=bindparam("meaning"))
)
_SAVE = update(scans).where(scans.c.stream_id == bindparam("stream"), scans.c.kind == LIVE)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a page transaction works with: the database, who we are, and the stream's mirror."""

    database: Database
    owner: Owner
    mirror: Mirror

    @property
    def dialect(self) -> Dialect:
        return self.database.dialect


def commit(desk: Desk, run: OpenRun, asked: Commit, attempts: Sequence[Attempt]) -> tuple[Committed, Mirror]:
    """Commit one page; the counts, and the mirror as the page left it.

    Raises Fenced when the stream or the source is no longer ours, StoreUnavailable when the
    database is locked, full or gone; nothing of the page stands then.
    """
    dead = [Letter(reject) for reject in asked.rejects]
    while True:
        try:
            with desk.database.write() as connection:
                return _page(connection, desk, run, asked, dead, attempts), desk.mirror
        except _TooNarrow as narrow:
            desk = replace(desk, mirror=_widened(desk, run, asked, narrow.step))
        except UnicodeEncodeError:
            asked, unstorable = _without_unstorable(asked)
            if not unstorable:
                raise
            dead += unstorable


def _page(
    connection: Connection,
    desk: Desk,
    run: OpenRun,
    asked: Commit,
    dead: Sequence[Letter],
    attempts: Sequence[Attempt],
) -> Committed:
    stream = _fence(connection, desk, run, asked)
    if run.kind is not RunKind.REPLAY:  # what is played again was asked for when it came, not now
        asked = replace(asked, requested_at=stream.requested_at)
    batch = _decided(connection, desk, asked, snapshot=not stream.drained_once)
    if batch.writes:
        _write(connection, desk, run, _sheet(desk, run, asked, batch, first=stream.seq + 1))
        letters.close(connection, stream.id, run.run_id, batch.writes, asked)
        dead = [*dead, *bury_told(connection, desk.dialect, run, asked, batch.writes)]
    listed = replace(asked, rejects=[each.reject for each in dead])
    gone, said = _absent(connection, desk, run, listed, stream.seq + len(batch.writes))
    letters.file(connection, stream.id, run.run_id, dead, Came(asked.requested_at, asked.request_id))
    committed = replace(batch.committed, dead=len(dead), deleted=batch.committed.deleted + gone)
    runs.count(connection, run.run_id, committed, len(asked.records) + len(dead), attempts)
    runs.notice(connection, run.run_id, (*asked.notices, *said), asked.requested_at)
    if asked.finish is not None:
        finish(connection, run, stream, asked.finish, desk.dialect.now(connection))
    elif asked.checkpoint is not None:
        if stream.fingerprint is None:
            connection.execute(_NAME_MEANING, {"stream": stream.id, "meaning": asked.checkpoint.fingerprint})
        _save(connection, run, stream.id, replace(asked.checkpoint, fresh=committed.fresh), asked)
    return committed


def _absent(
    connection: Connection, desk: Desk, run: OpenRun, asked: Commit, seq: int
) -> tuple[int, tuple[Notice, ...]]:
    """Of a full listing: what it shows is noted, and when it is drained, what it lacks is buried."""
    if asked.listing is None:
        return 0, ()
    note_listed(connection, desk.mirror.stream_id, asked)
    if asked.finish is None:
        return 0, ()
    grave = Graveyard(
        desk.mirror.stream_id, desk.mirror.table, seq, run.stream.changes, run.stream.most_absent
    )
    return bury_absent(connection, desk.dialect, grave, run.run_id, asked)


def _fence(connection: Connection, desk: Desk, run: OpenRun, asked: Commit) -> Row[tuple[object, ...]]:
    """The stream's row, once it is certain that this run may write it.

    The moment of the request never goes back: pages of one stream are committed in the order
    in which they were asked for, whatever our clock was set to meanwhile.
    """
    mine = {
        "stream": desk.mirror.stream_id,
        "begun_in": run.epoch,
        "token": desk.owner.token,
        "sent": asked.requested_at,
    }
    fenced = connection.execute(_FENCE, mine)
    stream = connection.execute(_STREAM, {"stream": desk.mirror.stream_id}).one()
    if fenced.rowcount == 0:
        raise Fenced(
            f"run {run.run_id} of {run.stream} began in epoch {run.epoch}, the stream is in epoch "
            f"{stream.epoch} or its source has another owner; nothing of this page was written",
            hint="its watermark was reset or another process took the source over; the next poll goes on",
        )
    return stream


def _decided(connection: Connection, desk: Desk, asked: Commit, *, snapshot: bool) -> Batch:
    keys = [record.key for record in asked.records]
    held = desk.dialect.held(connection, desk.mirror.table, keys) if keys else {}
    terms = Terms(
        requested_at=asked.requested_at,
        snapshot=snapshot,
        newest_first=asked.newest_first,
        late_below=asked.late_below,
        fresh_through=asked.fresh_through,
        how=desk.mirror.catalog.how,
    )
    return decide(asked.records, held, terms)


def _sheet(desk: Desk, run: OpenRun, asked: Commit, batch: Batch, first: int) -> Sheet:
    moment = stamp(asked.requested_at)
    return Sheet(desk.mirror.stream_id, run.run_id, moment, asked.edge, first, batch.writes)


def _write(connection: Connection, desk: Desk, run: OpenRun, sheet: Sheet) -> None:
    """Write the entities and the changes that they make."""
    table, dialect, known = desk.mirror.table, desk.dialect, desk.mirror.catalog
    records = sheet.shown.records
    found = lay_out(known, records)
    step = plan_columns(known, records, found)
    if step is not None:
        raise _TooNarrow(step)
    kept = run.stream.changes
    replaced = sheet.replaced if kept == "full" else []
    before = dialect.payloads(connection, table, replaced) if replaced else {}
    if records:
        values = stored(known, records, found, sheet.shown.positions)
        dialect.upsert(connection, table, [column.name for column in known.columns], sheet.rows(values))
    if sheet.buried.writes:
        dialect.bury(connection, table, sheet.burials())
    if kept != "off":
        dialect.append_changes(connection, sheet.changes(before) if kept == "full" else sheet.keys())
    count_on(connection, desk.mirror.stream_id, sheet.last, kept)


def _save(connection: Connection, run: OpenRun, stream_id: int, place: Checkpoint, asked: Commit) -> None:
    """The place behind this page."""
    values = {
        "run_id": run.run_id,
        "state": place.state,
        "fingerprint": place.fingerprint,
        "started_at": place.started_at,
        "edge": place.edge,
        "highest": place.highest,
        "pages": place.pages,
        "rows": place.rows,
        "fresh": place.fresh,
        "updated_at": asked.requested_at,
    }
    if connection.execute(_SAVE, {**values, "stream": stream_id}).rowcount == 0:
        connection.execute(insert(scans).values(**values, stream_id=stream_id, kind=LIVE))


def _widened(desk: Desk, run: OpenRun, asked: Commit, step: SchemaStep) -> Mirror:
    """The mirror after ``step``, which is taken in a transaction of its own, behind the same fence."""
    with desk.database.write() as connection:
        _fence(connection, desk, run, asked)
        now = desk.dialect.now(connection)
        return catalog.take(connection, desk.dialect, desk.mirror, step, now, run.run_id)


def _without_unstorable(asked: Commit) -> tuple[Commit, list[Letter]]:
    """The page without the records that hold what no database can store."""
    fine: list[Record] = []
    found: list[Letter] = []
    for record in asked.records:
        try:
            record.payload.encode()
            msgspec.json.encode([record.key, record.position_text, record.fields])
            fine.append(record)
        except UnicodeEncodeError as error:
            found.append(letters.unstorable(record, f"the database cannot store this text: {error}"))
    return replace(asked, records=fine), found
