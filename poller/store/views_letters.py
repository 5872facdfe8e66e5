"""The dead letters as they stand: what could not be mirrored, why, and its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select

from poller.core.position import Position
from poller.store.database import Database
from poller.store.tables import dead_letters, streams
from poller.store.views import of_streams


@dataclass(frozen=True, slots=True)
class LetterView:
    """A record or page that could not be mirrored, with its bytes; ``closed_at`` None: still open."""

    id: int
    stream: str
    reason: str
    detail: str
    key: str | None
    position: Position | None
    request_id: str | None
    times: int
    first_seen_at: datetime
    last_seen_at: datetime
    run: int | None
    closed_at: datetime | None
    closed_by: int | None
    payload: bytes


def open_letters(database: Database, names: Sequence[str], limit: int) -> list[LetterView]:
    """The newest ``limit`` dead letters that no newer version has closed."""
    return _letters(database, of_streams(_LETTERS, names).where(dead_letters.c.closed_at.is_(None)), limit)


def all_letters(database: Database, names: Sequence[str], limit: int) -> list[LetterView]:
    """The newest ``limit`` dead letters, closed ones too."""
    return _letters(database, of_streams(_LETTERS, names), limit)


def letter(database: Database, number: int) -> LetterView | None:
    """One dead letter by its number; None when there is none."""
    found = _letters(database, _LETTERS.where(dead_letters.c.id == number), 1)
    return found[0] if found else None


_LETTERS = select(dead_letters, streams.c.name.label("stream")).join(streams)


def _letters(database: Database, asked: Select[tuple[object, ...]], limit: int) -> list[LetterView]:
    newest = asked.order_by(dead_letters.c.last_seen_at.desc(), dead_letters.c.id.desc()).limit(limit)
    names = [name for name in LetterView.__dataclass_fields__ if name != "run"]
    with database.read() as connection:
        return [
            LetterView(run=row.run_id, **{name: getattr(row, name) for name in names})
            for row in reversed(connection.execute(newest).all())
        ]
