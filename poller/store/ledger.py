"""The slot ledger in SQL: stretches of missed polls, their healing, and the ranges that were covered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, select, update

from poller.core.ledger import Missed, Reason, merge
from poller.core.position import Position
from poller.core.schedule import Schedule
from poller.store.tables import coverage, missed_polls


def write_missed(
    connection: Connection,
    stream_id: int,
    schedule: Schedule | None,
    stretches: Sequence[Missed],
    now: datetime,
) -> None:
    """Write down missed stretches, in order; one that continues the last row extends it.

    ``schedule`` tells whether a stretch follows right behind the row before it; None (not
    known) begins a new row.
    """
    for missed in stretches:
        last = connection.execute(
            select(missed_polls)
            .where(missed_polls.c.stream_id == stream_id)
            .order_by(missed_polls.c.last_slot.desc(), missed_polls.c.id.desc())
            .limit(1)
        ).first()
        grown = None
        if last is not None and last.healed_by is None and schedule is not None:
            row = Missed(last.first_slot, last.last_slot, last.slots, Reason(last.reason))
            grown = merge(schedule, row, missed)
        if last is not None and grown is not None:
            connection.execute(
                update(missed_polls)
                .where(missed_polls.c.id == last.id)
                .values(last_slot=grown.last, slots=grown.count, recorded_at=now)
            )
        else:
            connection.execute(
                insert(missed_polls).values(
                    stream_id=stream_id,
                    first_slot=missed.first,
                    last_slot=missed.last,
                    slots=missed.count,
                    reason=missed.reason.value,
                    recorded_at=now,
                )
            )


def one_slot(slot: datetime, reason: Reason) -> Missed:
    """The stretch of a single slot."""
    return Missed(first=slot, last=slot, count=1, reason=reason)


def heal(connection: Connection, stream_id: int, run_id: int, through: datetime, now: datetime) -> int:
    """Mark what was missed up to ``through`` as covered by ``run_id``; how many slots that heals."""
    due = (
        missed_polls.c.stream_id == stream_id,
        missed_polls.c.healed_by.is_(None),
        missed_polls.c.last_slot <= through,
    )
    slots: int = sum(connection.execute(select(missed_polls.c.slots).where(*due)).scalars())
    if slots:
        connection.execute(update(missed_polls).where(*due).values(healed_by=run_id, healed_at=now))
    return slots


def cover(
    connection: Connection, stream_id: int, start: Position | None, through: Position, now: datetime
) -> None:
    """Add ``[start, through]`` to what is covered, joined with every range that it meets.

    ``start`` None is the beginning of all positions.
    """
    meets = [coverage.c.stream_id == stream_id]
    if start is not None:
        meets.append(coverage.c.through_position >= start)
    meets.append(or_(coverage.c.from_position.is_(None), coverage.c.from_position <= through))
    met = connection.execute(select(coverage).where(*meets)).all()
    begins = [start, *(row.from_position for row in met)]
    ends = [through, *(row.through_position for row in met)]
    merged = None if None in begins else min(begin for begin in begins if begin is not None)
    connection.execute(delete(coverage).where(coverage.c.id.in_([row.id for row in met])))
    connection.execute(
        insert(coverage).values(
            stream_id=stream_id, from_position=merged, through_position=max(ends), updated_at=now
        )
    )
