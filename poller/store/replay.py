"""The dead letters that are read again or given up: found, and closed with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, select, update

from poller.core.page import Reject
from poller.core.replay import Kept
from poller.core.runs import OpenRun
from poller.store.database import Database
from poller.store.letters import DISCARDED, REPLAYED, storable
from poller.store.streams import find
from poller.store.tables import dead_letters

_CHUNK = 500
"""Letters to look up or close with one statement."""


class LetterBox:
    """Fits ``engine.replay.LetterBox``. Closing needs no lease: closed twice is closed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kept(self, stream: str, numbers: Sequence[int]) -> list[Kept]:
        """Those of these letters that are open, with their bytes."""
        with self._database.read() as connection:
            stream_id = find(connection, stream).id
            return [letter for chunk in _chunks(numbers) for letter in _open(connection, stream_id, chunk)]

    def settle(
        self, run: OpenRun, closed: Sequence[int], still: Sequence[tuple[int, Reject]], now: datetime
    ) -> None:
        """Close the letters whose records are in the mirror by now; the others get today's reason."""
        how = {"closed_at": now, "closed_by": run.run_id, "closed_how": REPLAYED}
        with self._database.write() as connection:
            for chunk in _chunks(closed):
                connection.execute(update(dead_letters).where(dead_letters.c.id.in_(chunk)).values(how))
            for number, reject in still:
                same = update(dead_letters).where(dead_letters.c.id == number)
                said = {"reason": reject.reason, "detail": storable(reject.detail)}
                connection.execute(same.values(said))

    def discard(self, stream: str, numbers: Sequence[int], now: datetime) -> int:
        """Close those of these letters that are open; how many there were."""
        how = {"closed_at": now, "closed_how": DISCARDED}
        with self._database.write() as connection:
            is_open = (
                dead_letters.c.stream_id == find(connection, stream).id,
                dead_letters.c.closed_at.is_(None),
            )
            given_up = update(dead_letters).where(*is_open).values(how)
            return sum(
                connection.execute(given_up.where(dead_letters.c.id.in_(chunk))).rowcount
                for chunk in _chunks(numbers)
            )


def _open(connection: Connection, stream_id: int, numbers: Sequence[int]) -> Iterator[Kept]:
    asked: Select[tuple[object, ...]] = select(dead_letters).where(
        dead_letters.c.stream_id == stream_id,
        dead_letters.c.closed_at.is_(None),
        dead_letters.c.id.in_(numbers),
    )
    for row in connection.execute(asked.order_by(dead_letters.c.id)):
        yield Kept(row.id, row.reason, row.payload, row.last_seen_at, row.request_id)


def _chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _CHUNK):
        yield numbers[start : start + _CHUNK]
