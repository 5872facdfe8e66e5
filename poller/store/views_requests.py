"""The HTTP attempts as they were made: what was asked when, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, or_, select

from poller.store.database import Database
from poller.store.tables import requests, runs, streams
from poller.store.views import of_streams


@dataclass(frozen=True, slots=True)
class RequestView:
    """One HTTP attempt. ``status`` None: no answer came; ``duration`` in seconds; ``url`` without secrets."""

    id: int
    sent_at: datetime
    stream: str
    run: int
    method: str
    url: str
    status: int | None
    duration: float
    bytes_received: int
    attempt: int
    request_id: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Sieve:
    """Which attempts to show; what is None, or empty, lets everything through.

    ``failed``: without a good answer. ``statuses``: ranges, both ends included; ``unanswered`` adds
    those that no answer came to. ``slower_than`` in seconds.
    """

    failed: bool = False
    statuses: tuple[tuple[int, int], ...] = ()
    unanswered: bool = False
    since: datetime | None = None
    run: int | None = None
    request_id: str | None = None
    slower_than: float | None = None


def request_views(database: Database, names: Sequence[str], sieve: Sieve, limit: int) -> list[RequestView]:
    """The newest ``limit`` attempts of these streams that pass the sieve, the newest last."""
    asked = _sifted(of_streams(_REQUESTS, names), sieve)
    with database.read() as connection:
        found = connection.execute(asked.order_by(requests.c.id.desc()).limit(limit)).all()
    return [_view(row) for row in reversed(found)]


def request_view(database: Database, number: int) -> RequestView | None:
    """One attempt by its number; None when there is none (any more)."""
    with database.read() as connection:
        row = connection.execute(_REQUESTS.where(requests.c.id == number)).first()
    return None if row is None else _view(row)


_REQUESTS = (
    select(requests, streams.c.name.label("stream"))
    .join(runs, runs.c.id == requests.c.run_id)
    .join(streams, streams.c.id == runs.c.stream_id)
)


_GOOD = (*range(200, 300), 304)
"""What a request with a good answer has for a status: 304 says that nothing has changed."""


def _sifted(asked: Select[tuple[object, ...]], sieve: Sieve) -> Select[tuple[object, ...]]:
    c = requests.c
    told = [c.status.between(*span) for span in sieve.statuses]
    if sieve.unanswered:
        told.append(c.status.is_(None))
    if told:
        asked = asked.where(or_(*told))
    if sieve.failed:
        asked = asked.where(or_(c.error.is_not(None), c.status.is_(None), c.status.not_in(_GOOD)))
    if sieve.since is not None:
        asked = asked.where(c.sent_at >= sieve.since)
    if sieve.run is not None:
        asked = asked.where(c.run_id == sieve.run)
    if sieve.request_id is not None:
        asked = asked.where(c.request_id == sieve.request_id)
    if sieve.slower_than is not None:
        asked = asked.where(c.duration >= sieve.slower_than)
    return asked


def _view(row: object) -> RequestView:
    renamed = {"run": "run_id", "attempt": "number"}
    fields = RequestView.__dataclass_fields__
    return RequestView(**{name: getattr(row, renamed.get(name, name)) for name in fields})
