"""The rate budget of the sources, kept in SQL: exact over processes, restarts and crashes.

A row is a block of permits. It is written before the first request of the block is sent, with the
latest tick at which the last of them can be over, and again with the true one when it is. What a
crash leaves open counts as used at the moment when another process finds its owner gone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, not_, select, update

from poller.core.model import Window
from poller.core.permits import (
    REMEMBERED,
    Ended,
    Grant,
    Spent,
    Tick,
    age,
    free,
    groups,
    memory_of,
    span,
    wait,
)
from poller.store.database import Database
from poller.store.leases import Owner
from poller.store.streams import ensure_source
from poller.store.tables import permits

CROWDED = 512
"""Rows of one source from which on old ones become fewer."""


SELDOM = 16
"""Blocks between two looks for old ones."""

_HERE: set[str] = set()
"""Tokens of this process: an owner of our number that is not among them is gone."""


class Permits:
    """Fits ``http.permits.StoredPermits``. ``ticks`` is the machine's steady clock."""

    def __init__(self, database: Database, owner: Owner, ticks: Callable[[], Tick]) -> None:
        self._database = database
        self._owner = owner
        self._ticks = ticks
        _HERE.add(owner.token)

    def reserve(
        self, source: str, windows: Sequence[Window], want: int, lasting: float, ended: Sequence[Ended]
    ) -> Grant:
        """Remember what ended, and reserve up to ``want`` permits for at most ``lasting`` seconds.

        Committed on return. Raises StoreUnavailable.
        """
        with self._database.write() as connection:
            here, wall = self._ticks(), self._database.dialect.now(connection)
            source_id = ensure_source(connection, source)
            self._settle(connection, source_id, ended, here, wall)
            spent = self._spent(connection, source_id, windows, here, wall)
            granted = min(want, free(windows, spent))
            if granted < 1:
                return Grant(None, wait=wait(windows, spent))
            until = Tick(here.boot, here.seconds + lasting)
            number = self._insert(connection, source_id, granted, until, lasting, wall, None)
            if number % SELDOM == 0:
                _tidy(connection, source_id, here, memory_of(windows))
            return Grant(number, granted, until.seconds)

    def settle(self, source: str, ended: Sequence[Ended]) -> None:
        """Remember what ended. Raises StoreUnavailable."""
        with self._database.write() as connection:
            here, wall = self._ticks(), self._database.dialect.now(connection)
            self._settle(connection, ensure_source(connection, source), ended, here, wall)

    def _settle(
        self, connection: Connection, source_id: int, ended: Sequence[Ended], here: Tick, wall: datetime
    ) -> None:
        """A block that nobody used is forgotten; one that was given up meanwhile comes back."""
        for each in ended:
            row = and_(permits.c.id == each.block, permits.c.owner_token == self._owner.token)
            if each.used == 0:
                connection.execute(delete(permits).where(row))
                continue
            end = Tick(here.boot, each.at)
            at = wall - timedelta(seconds=here.seconds - each.at)
            written = update(permits).where(row).values(permits=each.used, completed_at=at, **_ticks(end))
            if connection.execute(written).rowcount == 0:
                self._insert(connection, source_id, each.used, end, 0.0, at, at)

    def _insert(
        self,
        connection: Connection,
        source_id: int,
        granted: int,
        end: Tick,
        lasting: float,
        reserved_at: datetime,
        completed_at: datetime | None,
    ) -> int:
        made = connection.execute(
            insert(permits).values(
                source_id=source_id,
                permits=granted,
                reserved_at=reserved_at,
                completed_at=completed_at,
                lasting=lasting,
                owner_host=self._owner.host,
                owner_pid=self._owner.pid,
                owner_token=self._owner.token,
                **_ticks(end),
            )
        ).inserted_primary_key
        assert made is not None
        return int(made[0])

    def _spent(
        self,
        connection: Connection,
        source_id: int,
        windows: Sequence[Window],
        here: Tick,
        wall: datetime,
    ) -> list[Spent]:
        """Every block that may count. What a former boot or a process that is gone left is taken over."""
        settled = _settled(source_id, here)
        counts = permits.c.ticks > here.seconds - max(span(window) for window in windows)
        known = select(permits.c.permits, permits.c.ticks).where(settled, counts)
        spent = [Spent(row.permits, here.seconds - row.ticks) for row in connection.execute(known)]
        others = select(permits).where(permits.c.source_id == source_id, not_(settled))
        for row in connection.execute(others).all():
            passed = _age(row, here, wall)
            if row.completed_at is not None or passed >= REMEMBERED or self._is_gone(row):
                passed = max(passed, 0.0)
                _take_over(connection, row.id, passed, here, wall)
                spent.append(Spent(row.permits, passed))
            else:
                spent.append(Spent(row.permits, passed, is_open=passed < 0))
        return spent

    def _is_gone(self, row: Row[tuple[object, ...]]) -> bool:
        """Whether the process that reserved a block ran on this host and does not run any more."""
        if row.owner_host != self._owner.host:
            return False
        if row.owner_pid == self._owner.pid:  # us, or a former life in a restarted container
            return row.owner_token not in _HERE
        try:
            os.kill(row.owner_pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False


def _settled(source_id: int, here: Tick) -> ColumnElement[bool]:
    """The blocks that are over, by the clock of this boot: nearly all of them."""
    return and_(
        permits.c.source_id == source_id,
        permits.c.completed_at.is_not(None),
        permits.c.boot == here.boot,
        permits.c.ticks <= here.seconds,
    )


def _age(row: Row[tuple[object, ...]], here: Tick, wall: datetime) -> float:
    is_open = row.completed_at is None
    end = row.reserved_at + timedelta(seconds=row.lasting) if is_open else row.completed_at
    return age(Tick(row.boot, row.ticks), end, here, wall, is_open=is_open)


def _take_over(connection: Connection, number: int, passed: float, here: Tick, wall: datetime) -> None:
    """Write a block down as over, on the clock of this boot, so that it grows old from now on."""
    end, at = Tick(here.boot, here.seconds - passed), wall - timedelta(seconds=passed)
    connection.execute(update(permits).where(permits.c.id == number).values(completed_at=at, **_ticks(end)))


def _tidy(connection: Connection, source_id: int, here: Tick, memory: float) -> None:
    """Forget what is older than ``memory``; of too many blocks make fewer that are no older."""
    settled = _settled(source_id, here)
    connection.execute(delete(permits).where(settled, permits.c.ticks <= here.seconds - memory))
    crowd = select(func.count()).select_from(permits).where(settled)
    if connection.execute(crowd).scalar_one() <= CROWDED:
        return
    columns = select(permits.c.id, permits.c.permits, permits.c.ticks)
    rows = connection.execute(columns.where(settled)).all()
    for group in groups([here.seconds - row.ticks for row in rows]):
        youngest, *others = (rows[index] for index in group)
        total = youngest.permits + sum(row.permits for row in others)
        if others:
            connection.execute(update(permits).where(permits.c.id == youngest.id).values(permits=total))
            connection.execute(delete(permits).where(permits.c.id.in_([row.id for row in others])))


def _ticks(end: Tick) -> dict[str, object]:
    return {"boot": end.boot, "ticks": end.seconds}
