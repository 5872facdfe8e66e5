"""The dead letters as they stand: what could not be mirrored, why, and its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select

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
    closed_how: str | None
    """``merged``, ``replayed`` or ``discarded``; None while it is open."""
    payload: bytes


@dataclass(frozen=True, slots=True)
class LetterHead:
    """A dead letter without its bytes."""

    id: int
    stream: str
    reason: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """The dead letters of one stream and reason; ``times``: how often they came, together."""

    stream: str
    reason: str
    letters: int
    times: int
    first_seen_at: datetime
    last_seen_at: datetime


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


def heads(
    database: Database, names: Sequence[str], reason: str | None, numbers: Sequence[int]
) -> list[LetterHead]:
    """The letters with these ``numbers``, closed ones too; without any, the open ones of these streams."""
    c = dead_letters.c
    asked = of_streams(select(c.id, c.reason, c.closed_at, streams.c.name).join(streams), names)
    asked = asked.where(c.id.in_(numbers)) if numbers else asked.where(c.closed_at.is_(None))
    if reason is not None:
        asked = asked.where(c.reason == reason)
    with database.read() as connection:
        found = connection.execute(asked.order_by(c.id)).all()
    return [LetterHead(row.id, row.name, row.reason, row.closed_at is None) for row in found]


def letter_groups(database: Database, names: Sequence[str]) -> list[LetterGroup]:
    """The open dead letters by stream and reason, the most numerous first."""
    c, of_group = dead_letters.c, (streams.c.name, dead_letters.c.reason)
    counted = func.count().label("letters")
    asked = select(
        *of_group,
        counted,
        func.sum(c.times).label("times"),
        func.min(c.first_seen_at).label("first"),
        func.max(c.last_seen_at).label("last"),
    ).join(streams, streams.c.id == c.stream_id)
    grouped = of_streams(asked.where(c.closed_at.is_(None)), names).group_by(*of_group)
    with database.read() as connection:
        found = connection.execute(grouped.order_by(counted.desc(), *of_group)).all()
    return [
        LetterGroup(row.name, row.reason, row.letters, int(row.times), row.first, row.last) for row in found
    ]


_LETTERS = select(dead_letters, streams.c.name.label("stream")).join(streams)


def _letters(database: Database, asked: Select[tuple[object, ...]], limit: int) -> list[LetterView]:
    newest = asked.order_by(dead_letters.c.last_seen_at.desc(), dead_letters.c.id.desc()).limit(limit)
    names = [name for name in LetterView.__dataclass_fields__ if name != "run"]
    with database.read() as connection:
        return [
            LetterView(run=row.run_id, **{name: getattr(row, name) for name in names})
            for row in reversed(connection.execute(newest).all())
        ]
