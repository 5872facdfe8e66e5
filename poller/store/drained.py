"""What a drained scan proves, written with its last page: watermark, coverage, healing, outcome."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Row, delete, select, update

from poller.core.position import Position
from poller.core.runs import OpenRun
from poller.core.steps import Finish
from poller.core.validators import encode
from poller.store import ledger, letters, runs
from poller.store.streams import LIVE
from poller.store.tables import runs as runs_table
from poller.store.tables import scans, streams


def finish(
    connection: Connection, run: OpenRun, stream: Row[tuple[object, ...]], proved: Finish, now: datetime
) -> None:
    """Write what ``proved`` says; ``stream`` is the row as it stood when the transaction began."""
    live = (scans.c.stream_id == stream.id, scans.c.kind == LIVE)
    scan = connection.execute(select(scans).where(*live)).first()
    began = run.started_at if scan is None else min(run.started_at, scan.started_at)
    healed = ledger.heal(connection, stream.id, run.run_id, began, now)
    meaning = proved.fingerprint if scan is None else scan.fingerprint
    letters.close_pages(connection, stream.id, run.run_id, now)
    watermark, text = _raised(stream, proved)
    through = _later(stream.complete_through, proved.complete_through)
    reached = _later(watermark, proved.complete_through)
    if reached is not None:
        ledger.cover(connection, stream.id, _covered_from(run, stream), reached, now)
    connection.execute(
        update(runs_table).where(runs_table.c.id == run.run_id).values(watermark_after=watermark)
    )
    runs.finish(connection, run, healed, now)
    connection.execute(delete(scans).where(*live))
    connection.execute(
        update(streams)
        .where(streams.c.id == stream.id)
        .values(
            watermark=watermark,
            watermark_text=text,
            highest=stream.highest if proved.highest is None else proved.highest,
            complete_through=through,
            validators=encode(proved.validators),
            fingerprint=stream.fingerprint or meaning,
            drained_once=1,
            drained_at=now,
        )
    )


def _raised(stream: Row[tuple[object, ...]], proved: Finish) -> tuple[Position | None, str | None]:
    """The higher of the stored watermark and the proved one, with its text; a token replaces both."""
    held: Position | None = stream.watermark
    if proved.token is not None:
        return None, proved.token
    if proved.watermark is None or (held is not None and proved.watermark <= held):
        return held, stream.watermark_text
    return proved.watermark, proved.watermark_text


def _later(one: Position | None, other: Position | None) -> Position | None:
    known = [position for position in (one, other) if position is not None]
    return max(known, default=None)


def _covered_from(run: OpenRun, stream: Row[tuple[object, ...]]) -> Position | None:
    """Where the window began: the watermark, else the configured start; None for the very beginning."""
    if not run.stream.filters_by_since or run.stream.since is None:
        return None
    watermark: Position | None = stream.watermark
    return run.stream.since.start if watermark is None else watermark
