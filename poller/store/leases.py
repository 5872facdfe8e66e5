"""Who may work on a source: leases on the database's clock, and the epochs that fence off former owners.

A *lease* is a row of ``poller_sources`` with a random token, an owner and an end. It makes two
processes polite to each other: the second one finds the first one's host and pid and goes away.
It is not what keeps the data right, because a process can sleep past its lease between looking
at it and writing (a suspended laptop, a stopped virtual machine, a long garbage collection).

What keeps the data right is the *fence*. Each stream has an epoch. A run remembers the epoch in
which it began; the first statement of each of its transactions updates the stream's row where
the epoch is still that one and the source's token still ours. No row: somebody took over, or
reset the watermark, and the transaction is over before it did anything. Since the database
serialises writers, there is no moment between the look and the write.

So every way of taking a stream away is the same two steps in one transaction: bump the epoch,
do the deed. A takeover does it when the lease has expired, or when its owner ran on this host
and is gone (after a kill nobody wants to wait for a minute). Should that guess be wrong, because
two containers share a host name, the fence still holds: the loser's next commit writes nothing.

All times are the database's. A process compares no clock of its own with another's.

A lease that is given back leaves ``released_at``; one that was lost leaves none, and the runs
that its owner left open become ``killed``, each slot of theirs a missed one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, select, update

from poller.core.errors import Fenced, LeaseHeld
from poller.store import runs
from poller.store.database import Database
from poller.store.streams import ensure_source
from poller.store.tables import sources, streams


@dataclass(frozen=True, slots=True)
class Owner:
    """A process. ``token`` is random; ``born_at`` when its process started, by its own clock."""

    host: str
    pid: int
    token: str
    born_at: datetime


_TAKEN_HERE: set[str] = set()
"""Tokens under which this process took leases: an owner of our number that is not among them is gone."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a source, since when and until when, on the database's clock."""

    owner: Owner
    since: datetime
    until: datetime


def acquire(database: Database, names: Sequence[str], owner: Owner, lasting: timedelta) -> None:
    """Take the leases of all these sources, or of none. Raises LeaseHeld when one is another's."""
    with database.write() as connection:
        now = database.dialect.now(connection)
        for name in names:
            _take(connection, ensure_source(connection, name), owner, now, lasting)
    _TAKEN_HERE.add(owner.token)
    with database.write() as connection:
        database.dialect.checkpoint_here(connection)


def renew(database: Database, names: Sequence[str], owner: Owner, lasting: timedelta) -> None:
    """Prolong our leases. Raises Fenced when one of them is no longer ours."""
    with database.write() as connection:
        now = database.dialect.now(connection)
        for name in names:
            ours = (sources.c.name == name, sources.c.lease_token == owner.token)
            prolonged = update(sources).where(*ours).values(lease_until=now + lasting)
            if connection.execute(prolonged).rowcount == 0:
                raise Fenced(
                    f"the lease of {name} is no longer ours (pid {owner.pid} on {owner.host})",
                    hint="another process took it over after it had expired; this one must stop polling it",
                )


def release(database: Database, names: Sequence[str], owner: Owner) -> None:
    """Give our leases back; one that is no longer ours is left alone."""
    with database.write() as connection:
        now = database.dialect.now(connection)
        for name in names:
            connection.execute(
                update(sources)
                .where(sources.c.name == name, sources.c.lease_token == owner.token)
                .values(lease_token=None, lease_until=None, released_at=now)
            )


def holder(database: Database, name: str) -> Holder | None:
    """Who holds the lease of a source now; None when nobody does or it has expired."""
    with database.read() as connection:
        row = connection.execute(select(sources).where(sources.c.name == name)).first()
        now = database.dialect.now(connection)
    if row is None or row.lease_token is None or row.lease_until <= now:
        return None
    return Holder(_owner_of(row), row.lease_since, row.lease_until)


def is_gone(holder: Owner, seen_by: Owner) -> bool:
    """Whether the holder ran on the host of ``seen_by`` and does not run any more."""
    if holder.host != seen_by.host:
        return False
    if holder.pid == seen_by.pid:  # our own number: it is us, or a former life in a restarted container
        return holder.token not in _TAKEN_HERE
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _take(connection: Connection, source_id: int, owner: Owner, now: datetime, lasting: timedelta) -> None:
    row = connection.execute(select(sources).where(sources.c.id == source_id)).one()
    if row.lease_token == owner.token:
        since = row.lease_since
    elif row.lease_token is None:
        since = now
    elif row.lease_until > now and not is_gone(_owner_of(row), owner):
        raise LeaseHeld(
            f"{row.name} is polled by pid {row.lease_pid} on {row.lease_host} since "
            f"{row.lease_since:%Y-%m-%d %H:%M:%S} UTC (lease until {row.lease_until:%H:%M:%S})",
            hint="stop that process, or let it do the work: one process owns a source at a time",
        )
    else:
        since = now
        _fence_off(connection, row, now)
    connection.execute(
        update(sources)
        .where(sources.c.id == source_id)
        .values(
            lease_token=owner.token,
            lease_host=owner.host,
            lease_pid=owner.pid,
            lease_born_at=owner.born_at,
            lease_since=since,
            lease_until=now + lasting,
            released_at=None,
        )
    )


def _fence_off(connection: Connection, lost: Row[tuple[object, ...]], now: datetime) -> None:
    """Nothing that the former owner still has in hand may be written; its open runs were killed."""
    connection.execute(
        update(streams).where(streams.c.source_id == lost.id).values(epoch=streams.c.epoch + 1)
    )
    why = f"pid {lost.lease_pid} on {lost.lease_host} ended without giving its lease back"
    for stream_id in connection.execute(select(streams.c.id).where(streams.c.source_id == lost.id)).scalars():
        runs.close_killed(connection, stream_id, now, why)


def _owner_of(row: Row[tuple[object, ...]]) -> Owner:
    return Owner(row.lease_host, row.lease_pid, row.lease_token, row.lease_born_at)
