"""One stream over a real database file: pages go in, rows come out."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from poller.core.ledger import Liveness
from poller.core.model import ColumnRule, SinceRule, Source, Stream
from poller.core.page import Ending, Record, Reject, Response
from poller.core.paging import Ask, Steering
from poller.core.path import Path as JsonPath
from poller.core.position import Position, from_datetime
from poller.core.records import read_record
from poller.core.request import Json, Request, Template, render
from poller.core.runs import Attempt, OpenRun, Outcome, RunKind, RunOutcome
from poller.core.steps import Checkpoint, Commit, Committed, Finish
from poller.store.database import Database, open_database
from poller.store.leases import Owner, acquire
from poller.store.memory import Memory
from poller.store.streams import ensure_streams

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OnePage:
    """A pager that has nothing to page."""

    steering: ClassVar[Steering] = Steering.OFFSET
    needs: ClassVar[frozenset[str]] = frozenset()
    size: int = 100

    def request(self, template: Template, ask: Ask) -> Request:
        values: dict[str, Json] = {"since": ask.since}
        return render(template, values)

    def onward(self, document: Any, response: Response, last: Record | None, rows: int) -> Ending:  # noqa: ANN401
        return Ending.LAST

    def counted(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return None

    def last_page(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return None


@dataclass(frozen=True, slots=True)
class Minutely:
    """A slot at every full minute."""

    fingerprint: str = "1m"

    def next(self, after: datetime) -> datetime:
        return self.latest(after) + MINUTE

    def latest(self, through: datetime) -> datetime:
        return through.replace(second=0, microsecond=0)

    def count(self, after: datetime, through: datetime) -> int:
        return max(0, (self.latest(through) - self.latest(after)) // MINUTE)


ISSUES = Stream(
    source="crm",
    name="issues",
    table="crm_issues",
    template=Template("GET", "/issues", params=(("since", "{since}"),)),
    pager=OnePage(),
    schedule=Minutely(),
    key=(JsonPath("id"),),
    updated_at=JsonPath("at"),
    since=SinceRule(),
)


def owner(token: str = "ours", pid: int = 1, host: str = "here") -> Owner:
    return Owner(host, pid, token, NOON)


def at(minutes: float) -> Position:
    return from_datetime(NOON + timedelta(minutes=minutes))


def text_at(minutes: float) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def record(fields: dict[str, Any], stream: Stream = ISSUES, *, deleted: bool = False) -> Record:
    return raw_record(json.dumps(fields, default=str), stream, deleted=deleted)


def raw_record(payload: str, stream: Stream = ISSUES, *, deleted: bool = False) -> Record:
    read = read_record(stream, payload.encode())
    assert isinstance(read, Record), read
    return read._replace(deleted=deleted)


def issue(key: int, minutes: float | None = 0, *, deleted: bool = False, **fields: Any) -> Record:  # noqa: ANN401
    position = {} if minutes is None else {"at": text_at(minutes)}
    return record({"id": key, **position, **fields}, deleted=deleted)


def attempt(sent_at: datetime = NOON, status: int | None = 200, error: str | None = None) -> Attempt:
    return Attempt(sent_at, "GET", "https://api.example/issues", status, 0.1, 500, 1, "req-1", error)


class World:
    """One stream, its memory, and a look at the tables through a connection of our own."""

    def __init__(self, path: Path, stream: Stream = ISSUES) -> None:
        self.path = path
        self.stream = stream
        self.database: Database = open_database(f"sqlite:///{path}", patience=timedelta(milliseconds=100))
        self.database.upgrade()
        self.clock = NOON
        self.owner = owner()
        self.settle_in(stream)

    def settle_in(self, stream: Stream) -> None:
        self.stream = stream
        ensure_streams(self.database, [Source(stream.source, "https://api.example", (stream,))])
        acquire(self.database, [stream.source], self.owner, HOUR)
        self.memory = Memory(self.database, self.owner)

    def close(self) -> None:
        self.database.close()

    def begin(self, kind: RunKind = RunKind.POLL) -> OpenRun:
        self.clock += MINUTE
        alive = Liveness(up_since=NOON, awake_since=NOON) if kind is RunKind.POLL else None
        return self.memory.begin(self.stream, kind, self.clock, alive)

    def page(
        self,
        run: OpenRun,
        records: Sequence[Record] = (),
        rejects: Sequence[Reject] = (),
        attempts: Sequence[Attempt] = (),
        **changed: Any,  # noqa: ANN401
    ) -> Committed:
        """One page in the middle of a scan, unless ``finish`` says otherwise."""
        asked = Commit(records, rejects, self.clock, None, "req-1", checkpoint(run.started_at), None)
        return self.memory.commit(run, replace(asked, **changed), attempts)

    def last_page(self, run: OpenRun, records: Sequence[Record] = (), **changed: Any) -> Committed:  # noqa: ANN401
        proved = changed.pop("finish", Finish(None, None, None, None))
        return self.page(run, records, checkpoint=None, finish=proved, **changed)

    def poll(self, *records: Record, **changed: Any) -> Committed:  # noqa: ANN401
        """A whole run of one page."""
        run = self.begin()
        done = self.last_page(run, records, **changed)
        self.memory.end(run, RunOutcome(Outcome.OK), self.clock, (), None)
        return done

    def failed_poll(self, outcome: RunOutcome | None = None) -> None:
        run = self.begin()
        self.memory.end(run, outcome or RunOutcome(Outcome.FAILED), self.clock, (), "it broke")

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql, values).fetchall()

    def do(self, sql: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.executescript(sql)

    def column(self, name: str) -> list[Any]:
        return [value for (value,) in self.rows(f'SELECT "{name}" FROM {self.stream.table} ORDER BY _key')]


def checkpoint(started_at: datetime, state: str = "{}") -> Checkpoint:
    return Checkpoint(state, "meaning-1", started_at, None, None, 1, 1)


def with_columns(*rules: ColumnRule) -> Stream:
    return replace(ISSUES, columns=rules)
