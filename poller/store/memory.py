"""What the engine asks of the store, one transaction per method; the modules beside it do the work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, select, update

from poller.core.errors import Fenced
from poller.core.ledger import Account, Liveness, Reason, Settlement, close_older, settle
from poller.core.model import Stream
from poller.core.page import Reject
from poller.core.runs import Attempt, OpenRun, RunKind, RunOutcome, StreamState
from poller.core.steps import Commit, Committed
from poller.store import catalog, ledger, letters, pages, runs, streams
from poller.store.catalog import Mirror
from poller.store.database import Database
from poller.store.leases import Owner
from poller.store.letters import Came, Letter
from poller.store.tables import sources
from poller.store.tables import streams as streams_table


class Memory:
    """Fits ``engine.ports.Memory``; safe to share between threads, one run per stream at a time.

    ``owner`` must hold the leases of the sources that it begins runs for. The streams must
    have been made known by :func:`poller.store.streams.ensure_streams`.
    """

    def __init__(self, database: Database, owner: Owner) -> None:
        self._database = database
        self._owner = owner
        self._mirrors: dict[str, Mirror] = {}
        """By stream, since its last begin: another owner may have changed the columns before that."""

    def state(self, stream: Stream) -> StreamState:
        """What stands of a stream. Raises StoreError when the database does not know it."""
        with self._database.read() as connection:
            return streams.state(connection, stream)

    def begin(self, stream: Stream, kind: RunKind, now: datetime, liveness: Liveness | None) -> OpenRun:
        """Settle the slots up to ``now`` and open a run. Raises Fenced when the source is not ours."""
        with self._database.write() as connection:
            row = self._ours(connection, stream)
            slot = None if liveness is None else _settle(connection, row, stream, now, liveness)
            run_id = runs.open_run(connection, row, kind, slot, now)
            self._mirrors[str(stream)] = catalog.load(connection, row.id, stream)
        return OpenRun(run_id, stream, kind, row.epoch, now, slot)

    def commit(self, run: OpenRun, commit: Commit, attempts: Sequence[Attempt]) -> Committed:
        """One page's transaction. Raises Fenced, StoreUnavailable; nothing of the page stands then."""
        desk = pages.Desk(self._database, self._owner, self._mirror(run))
        committed, self._mirrors[str(run.stream)] = pages.commit(desk, run, commit, attempts)
        return committed

    def end(
        self,
        run: OpenRun,
        outcome: RunOutcome,
        now: datetime,
        attempts: Sequence[Attempt],
        error: str | None,
    ) -> None:
        """Close the run; after a commit with a finish only its last attempts are left to write."""
        with self._database.write() as connection:
            stream_id = self._mirror(run).stream_id
            runs.record(connection, run.run_id, attempts)
            runs.end(connection, run, stream_id, outcome, now, error)

    def keep_page(
        self, run: OpenRun, body: bytes, detail: str, request_id: str | None, now: datetime
    ) -> None:
        """Keep a body that is no page among the dead letters, until a scan of the stream is drained."""
        letter = Letter(Reject(body, letters.PAGE, detail))
        with self._database.write() as connection:
            stream_id = self._mirror(run).stream_id
            letters.file(connection, stream_id, run.run_id, [letter], Came(now, request_id))

    def pass_by(self, stream: Stream, reason: Reason, now: datetime, liveness: Liveness) -> None:
        """Settle the slots up to ``now`` without a run: the newest is missed for ``reason``,
        such as ``paused``, ``settings`` or ``rate_limited``.
        """
        with self._database.write() as connection:
            row = self._ours(connection, stream)
            slot = _settle(connection, row, stream, now, liveness)
            if slot is not None:
                missed = [ledger.one_slot(slot, reason)]
                ledger.write_missed(connection, row.id, stream.schedule, missed, now)

    def settle_older(self, stream: Stream, now: datetime, liveness: Liveness) -> None:
        """Account for the slots up to ``now`` but the newest, for a stream whose run is still under way."""
        with self._database.write() as connection:
            row = self._ours(connection, stream)
            account = Account(row.last_slot, row.schedule_fingerprint)
            _book(connection, row, stream, close_older(stream.schedule, account, now, liveness), now)

    def _ours(self, connection: Connection, stream: Stream) -> Row[tuple[object, ...]]:
        row = streams.find(connection, str(stream))
        source = select(sources.c.lease_token).where(sources.c.id == row.source_id)
        if connection.execute(source).scalar() != self._owner.token:
            raise Fenced(
                f"the lease of {stream.source} is not ours (pid {self._owner.pid} on {self._owner.host})",
                hint="take the lease first; another process may have taken it over",
            )
        return row

    def _mirror(self, run: OpenRun) -> Mirror:
        name = str(run.stream)
        if name not in self._mirrors:
            with self._database.read() as connection:
                row = streams.find(connection, name)
                self._mirrors[name] = catalog.load(connection, row.id, run.stream)
        return self._mirrors[name]


def _settle(
    connection: Connection, row: Row[tuple[object, ...]], stream: Stream, now: datetime, liveness: Liveness
) -> datetime | None:
    """Account for every slot up to ``now``; the one that a run starting now owns, None when there is none."""
    account = Account(row.last_slot, row.schedule_fingerprint)
    settlement = settle(stream.schedule, account, now, liveness)
    _book(connection, row, stream, settlement, now)
    return settlement.own


def _book(
    connection: Connection,
    row: Row[tuple[object, ...]],
    stream: Stream,
    settlement: Settlement,
    now: datetime,
) -> None:
    """Write down what was missed, and how far the books go now."""
    ledger.write_missed(connection, row.id, stream.schedule, settlement.missed, now)
    connection.execute(
        update(streams_table)
        .where(streams_table.c.id == row.id)
        .values(last_slot=settlement.account.last, schedule_fingerprint=settlement.account.fingerprint)
    )
