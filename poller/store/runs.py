"""The runs in SQL: opened, counted page by page, closed; idle ones folded, failures never."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, Update, bindparam, delete, insert, select, update

from poller.core.ledger import Reason, verdict_on
from poller.core.runs import Attempt, OpenRun, Outcome, RunKind, RunOutcome
from poller.core.steps import Committed, Notice
from poller.store import ledger
from poller.store.tables import dead_letters, notices, requests, runs

_COUNTS = ("inserted", "updated", "unchanged", "deleted", "refused", "dead", "late", "fresh")
_ADDED_UP = ("polls", "pages", "rows_read", *_COUNTS, "requests", "failed_requests", "bytes_received")


def _adding(*names: str) -> Update:
    """A statement that adds ``add_NAME`` to each of these counters of one run."""
    sums = {name: runs.c[name] + bindparam(f"add_{name}", type_=runs.c[name].type) for name in names}
    return update(runs).where(runs.c.id == bindparam("run")).values(sums)


_ADD_PAGE = _adding(*_COUNTS, "rows_read").values(pages=runs.c.pages + 1)
_ADD_REQUESTS = _adding("requests", "failed_requests", "bytes_received")
_REQUEST = insert(requests)


def open_run(
    connection: Connection,
    stream: Row[tuple[object, ...]],
    kind: RunKind,
    slot: datetime | None,
    now: datetime,
) -> int:
    """A new run's number. A run of the stream that was never closed is closed as killed."""
    close_killed(connection, stream.id, now, "its end could not be written")
    made = connection.execute(
        insert(runs).values(
            stream_id=stream.id,
            kind=kind.value,
            epoch=stream.epoch,
            first_slot=slot,
            last_slot=slot,
            started_at=now,
            watermark_before=stream.watermark,
            watermark_after=stream.watermark,
        )
    ).inserted_primary_key
    assert made is not None
    return int(made[0])


def close_killed(connection: Connection, stream_id: int, now: datetime, why: str) -> None:
    """Close the runs that a process left open, and give their slots the outcome ``killed``."""
    is_open = (runs.c.stream_id == stream_id, runs.c.outcome.is_(None))
    for run in connection.execute(select(runs.c.id, runs.c.last_slot).where(*is_open)).all():
        connection.execute(
            update(runs)
            .where(runs.c.id == run.id)
            .values(outcome=Outcome.KILLED.value, ended_at=now, error=why)
        )
        if run.last_slot is not None:
            killed = ledger.one_slot(run.last_slot, Reason.KILLED)
            ledger.write_missed(connection, stream_id, None, [killed], now)


def count(
    connection: Connection, run_id: int, committed: Committed, rows_read: int, attempts: Sequence[Attempt]
) -> None:
    """Add one page to its run."""
    added = {f"add_{name}": getattr(committed, name) for name in _COUNTS}
    connection.execute(_ADD_PAGE, {**added, "run": run_id, "add_rows_read": rows_read})
    record(connection, run_id, attempts)


def record(connection: Connection, run_id: int, attempts: Sequence[Attempt]) -> None:
    """Write down the HTTP attempts of a run."""
    if not attempts:
        return
    added = {
        "add_requests": len(attempts),
        "add_failed_requests": sum(map(_failed, attempts)),
        "add_bytes_received": sum(each.bytes_received for each in attempts),
    }
    connection.execute(_ADD_REQUESTS, {**added, "run": run_id})
    connection.execute(
        _REQUEST,
        [
            {
                "run_id": run_id,
                "sent_at": each.sent_at,
                "method": each.method,
                "url": each.url,
                "status": each.status,
                "duration": each.duration,
                "bytes_received": each.bytes_received,
                "number": each.number,
                "request_id": each.request_id,
                "error": each.error,
            }
            for each in attempts
        ],
    )


def notice(connection: Connection, run_id: int, noticed: Sequence[Notice], now: datetime) -> None:
    """One row per kind: how often, and the latest words."""
    for each in noticed:
        seen = update(notices).where(notices.c.run_id == run_id, notices.c.kind == each.kind.value)
        again = seen.values(times=notices.c.times + 1, text=each.text, noticed_at=now)
        if connection.execute(again).rowcount == 0:
            connection.execute(
                insert(notices).values(run_id=run_id, kind=each.kind.value, text=each.text, noticed_at=now)
            )


def finish(connection: Connection, run: OpenRun, healed: int, now: datetime) -> None:
    """Close a drained run as ok; fold the idle one before it into it when it is idle itself."""
    connection.execute(
        update(runs)
        .where(runs.c.id == run.run_id)
        .values(outcome=Outcome.OK.value, ended_at=now, healed=healed)
    )
    this = connection.execute(select(runs).where(runs.c.id == run.run_id)).one()
    if not _is_idle(connection, this):
        return
    connection.execute(update(runs).where(runs.c.id == this.id).values(idle=1))
    before = connection.execute(
        select(runs)
        .where(runs.c.stream_id == this.stream_id, runs.c.id < this.id)
        .order_by(runs.c.id.desc())
        .limit(1)
    ).first()
    alike = (
        before is not None
        and before.kind == this.kind
        and (before.last_slot is None) == (this.last_slot is None)
    )
    if before is not None and before.idle and alike:
        _fold(connection, before, this)


def end(
    connection: Connection,
    run: OpenRun,
    stream_id: int,
    ended: RunOutcome,
    now: datetime,
    error: str | None,
) -> None:
    """Close a run that is still open, and give its slot what became of it."""
    closed = connection.execute(
        update(runs)
        .where(runs.c.id == run.run_id, runs.c.outcome.is_(None))
        .values(
            outcome=ended.outcome.value,
            category=None if ended.category is None else ended.category.value,
            error=error,
            ended_at=now,
        )
    )
    missed = None if run.slot is None else verdict_on(run.slot, ended)
    if closed.rowcount and missed is not None:
        ledger.write_missed(connection, stream_id, run.stream.schedule, [missed], now)


def _is_idle(connection: Connection, run: Row[tuple[object, ...]]) -> bool:
    """Whether nothing about the run is worth a row of its own."""
    eventful = ("inserted", "updated", "deleted", "refused", "dead", "failed_requests", "healed")
    if any(getattr(run, name) for name in eventful) or run.watermark_before != run.watermark_after:
        return False
    noticed = select(notices.c.kind).where(notices.c.run_id == run.id)
    closed = select(dead_letters.c.id).where(dead_letters.c.closed_by == run.id)
    return connection.execute(noticed).first() is None and connection.execute(closed.limit(1)).first() is None


def _fold(connection: Connection, before: Row[tuple[object, ...]], this: Row[tuple[object, ...]]) -> None:
    """The later row takes the earlier one in: its number is the one that the engine knows."""
    sums = {name: getattr(before, name) + getattr(this, name) for name in _ADDED_UP}
    connection.execute(
        update(runs)
        .where(runs.c.id == this.id)
        .values(**sums, first_slot=before.first_slot, started_at=before.started_at)
    )
    connection.execute(delete(runs).where(runs.c.id == before.id))


def _failed(attempt: Attempt) -> bool:
    if attempt.error is not None or attempt.status is None:
        return True
    return attempt.status != 304 and not 200 <= attempt.status <= 299  # noqa: PLR2004 (RFC 9110 §15.3, §15.4.5)
