"""Dead letters: what could not be mirrored, once per stream and content, until a newer version merges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, insert, select, update
from xxhash import xxh3_128_hexdigest

from poller.core.decide import Write
from poller.core.page import Record, Reject
from poller.core.position import Position
from poller.core.steps import Commit
from poller.store.tables import dead_letters

PAGE = "page"
"""The reason of a letter that holds an answer which was no page."""
MERGED, REPLAYED, DISCARDED = "merged", "replayed", "discarded"
"""How a letter is closed: by a newer version, by reading it again, by somebody who gives it up."""
_OPEN_AGAIN = {
    name: case((dead_letters.c.closed_how == DISCARDED, dead_letters.c[name]), else_=None)
    for name in ("closed_at", "closed_by", "closed_how")
}
"""What comes again is open again, but for the very bytes that somebody has given up."""
_CHUNK = 500
"""Keys to look up with one statement."""
_ANY_OPEN = (
    select(dead_letters.c.id)
    .where(
        dead_letters.c.stream_id == bindparam("stream"),
        dead_letters.c.closed_at.is_(None),
        dead_letters.c.key.is_not(None),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A reject, and the position of its record when that could be read."""

    reject: Reject
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """The answer that brought a letter: when it was asked for, and the API's own name for it."""

    at: datetime
    request_id: str | None


def unstorable(record: Record, why: str) -> Letter:
    """The letter of a record whose values the database cannot store."""
    payload = record.payload.encode("utf-8", "surrogatepass")
    return Letter(Reject(payload, "value", why, record.key), record.position)


def file(connection: Connection, stream_id: int, run_id: int, letters: Sequence[Letter], came: Came) -> None:
    """Keep the letters; one that was seen before is counted, and open again unless it was discarded."""
    for letter in letters:
        digest = xxh3_128_hexdigest(letter.reject.payload)
        seen = {
            "reason": letter.reject.reason,
            "detail": storable(letter.reject.detail),
            "request_id": came.request_id,
            "last_seen_at": came.at,
            "run_id": run_id,
        }
        same = (dead_letters.c.stream_id == stream_id, dead_letters.c.digest == digest)
        again = update(dead_letters).where(*same)
        counted = again.values(**seen, times=dead_letters.c.times + 1, **_OPEN_AGAIN)
        if connection.execute(counted).rowcount == 0:
            connection.execute(
                insert(dead_letters).values(
                    **seen,
                    stream_id=stream_id,
                    digest=digest,
                    key=None if letter.reject.key is None else storable(letter.reject.key),
                    position=letter.position,
                    payload=letter.reject.payload,
                    first_seen_at=came.at,
                )
            )


def close(
    connection: Connection, stream_id: int, run_id: int, writes: Sequence[Write], commit: Commit
) -> None:
    """Close the open letters of keys that merge a version which is not older."""
    is_open = (
        dead_letters.c.stream_id == stream_id,
        dead_letters.c.closed_at.is_(None),
        dead_letters.c.key.is_not(None),
    )
    if connection.execute(_ANY_OPEN, {"stream": stream_id}).first() is None:
        return
    merged = {write.record.key: write.record.position for write in writes}
    keys = list(merged)
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        found = connection.execute(
            select(dead_letters.c.id, dead_letters.c.key, dead_letters.c.position).where(
                *is_open, dead_letters.c.key.in_(chunk)
            )
        )
        newer = [row.id for row in found if not _is_older(merged[row.key], row.position)]
        connection.execute(
            update(dead_letters)
            .where(dead_letters.c.id.in_(newer))
            .values(closed_at=commit.requested_at, closed_by=run_id, closed_how=MERGED)
        )


def close_pages(connection: Connection, stream_id: int, run_id: int, now: datetime) -> None:
    """Close the letters that hold whole answers: a drained scan has read what they should have shown."""
    connection.execute(
        update(dead_letters)
        .where(
            dead_letters.c.stream_id == stream_id,
            dead_letters.c.closed_at.is_(None),
            dead_letters.c.reason == PAGE,
        )
        .values(closed_at=now, closed_by=run_id, closed_how=MERGED)
    )


def _is_older(merged: Position | None, dead: Position | None) -> bool:
    return merged is not None and dead is not None and merged < dead


def storable(text: str) -> str:
    """``text`` with what no database stores made visible."""
    return text.encode("utf-8", "backslashreplace").decode()
