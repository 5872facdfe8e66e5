"""What a full listing lacks is gone: its keys are kept in a table beside it, and compared in SQL.

An empty listing proves nothing, and neither does one that lacks a large part of what is mirrored:
then nothing is marked deleted, and the run says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, column, delete, func, insert, select, table

from poller.core.decide import Op, Write, stamp
from poller.core.page import Record
from poller.core.position import from_canonical
from poller.core.steps import Commit, Notice, NoticeKind
from poller.store.burials import Graveyard, bury
from poller.store.dialects import Dialect
from poller.store.tables import listed

FEW = 10
"""Rows that a listing may lack whatever part of the mirror they are."""
_NAMELESS = ""
"""Stands for records whose key could not be read; no key is written so."""
_CHUNK = 500


def note_listed(connection: Connection, stream_id: int, asked: Commit) -> None:
    """Remember which keys the listing has shown so far."""
    if asked.listing is None:
        return
    if asked.listing.first:
        forget_listed(connection, stream_id)
    rejected = (_NAMELESS if reject.key is None else reject.key for reject in asked.rejects)
    keys = list(dict.fromkeys([*(record.key for record in asked.records), *rejected]))
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        known = select(listed.c.key).where(listed.c.stream_id == stream_id, listed.c.key.in_(chunk))
        noted = set(connection.execute(known).scalars())
        fresh = [{"stream_id": stream_id, "key": key} for key in chunk if key not in noted]
        if fresh:
            connection.execute(insert(listed), fresh)


def forget_listed(connection: Connection, stream_id: int) -> None:
    """No listing of the stream is under way."""
    connection.execute(delete(listed).where(listed.c.stream_id == stream_id))


def bury_absent(
    connection: Connection, dialect: Dialect, grave: Graveyard, run_id: int, asked: Commit
) -> tuple[int, tuple[Notice, ...]]:
    """Mark deleted what the drained listing lacks; how many rows that was, and what is to be said of it."""
    if asked.listing is None:
        return 0, ()
    absent, living, seen = _counted(connection, grave, asked.listing.began_at)
    notices: tuple[Notice, ...] = ()
    buried = 0
    if absent and _has_nameless(connection, grave.stream_id):
        text = (
            f"the full listing lacks {absent} of {living} rows, and shows records whose key cannot be read "
            "(see the dead letters): they may be those; none was marked deleted"
        )
        notices = (Notice(NoticeKind.ABSENT_KEPT, text),)
    elif absent and (seen == 0 or (absent > FEW and absent > living * grave.most)):
        text = (
            f"the full listing lacks {absent} of {living} rows, more than can be believed; none was marked "
            "deleted; if the API is right, raise deletes.max_ratio and read the stream again from the start"
        )
        notices = (Notice(NoticeKind.ABSENT_KEPT, text),)
    elif absent:
        buried = _bury_all(connection, dialect, grave, run_id, asked, asked.listing.began_at)
    forget_listed(connection, grave.stream_id)
    return buried, notices


def _has_nameless(connection: Connection, stream_id: int) -> bool:
    nameless = select(listed.c.key).where(listed.c.stream_id == stream_id, listed.c.key == _NAMELESS)
    return connection.execute(nameless).first() is not None


def _counted(connection: Connection, grave: Graveyard, began_at: datetime) -> tuple[int, int, int]:
    mirror = _mirror(grave.table)
    living = select(func.count()).select_from(mirror).where(mirror.c["_deleted_at"].is_(None))
    seen = select(func.count()).select_from(listed).where(listed.c.stream_id == grave.stream_id)
    absent = _absent(grave, began_at).with_only_columns(func.count())
    return (
        int(connection.execute(absent).scalar() or 0),
        int(connection.execute(living).scalar() or 0),
        int(connection.execute(seen).scalar() or 0),
    )


def _bury_all(
    connection: Connection,
    dialect: Dialect,
    grave: Graveyard,
    run_id: int,
    asked: Commit,
    began_at: datetime,
) -> int:
    buried = 0
    while True:  # what is buried is not absent any more
        rows = connection.execute(_absent(grave, began_at).limit(_CHUNK)).all()
        if not rows:
            return buried
        grave = bury(connection, dialect, grave, run_id, asked, _writes(rows))
        buried += len(rows)


def _writes(rows: Sequence[Any]) -> list[Write]:
    """Tombstones that keep the position and the content of the last version."""
    return [
        Write(
            Record(
                key=key,
                position=None if position is None else from_canonical(position),
                position_text=text,
                payload="{}",
                fields={},
                digest=digest,
                deleted=True,
            ),
            Op.DELETE,
            known=True,
            appears=False,
        )
        for key, position, text, digest, *_ in rows
    ]


def _absent(grave: Graveyard, began_at: datetime) -> Select[Any]:
    """Living rows from before the listing began that it did not show."""
    mirror = _mirror(grave.table)
    shown = select(listed.c.key).where(
        listed.c.stream_id == grave.stream_id, listed.c.key == mirror.c["_key"]
    )
    return select(*mirror.c).where(
        mirror.c["_deleted_at"].is_(None), mirror.c["_changed_at"] < stamp(began_at), ~shown.exists()
    )


def _mirror(name: str) -> Any:  # noqa: ANN401 (a table clause)
    names = ("_key", "_position", "_position_text", "_hash", "_changed_at", "_deleted_at")
    return table(name, *(column(each) for each in names))
