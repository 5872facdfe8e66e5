"""Commands in SQL: asked for by one process, taken and done by the one that owns the source.

Every step is an update that names the state it comes from, so that a command is done once,
by one process, or withdrawn. One that was taken has no ``progress`` until it is really begun:
until then it can be withdrawn, or waits again when its owner goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Update, insert, or_, select, update

from poller.core.command import Command, CommandKind
from poller.store import leases
from poller.store.database import Database
from poller.store.leases import Holder, Owner
from poller.store.streams import ensure_source
from poller.store.tables import commands, sources

WITHDRAWN = "withdrawn by whoever asked for it"


@dataclass(frozen=True, slots=True)
class CommandView:
    """A command as it stands. ``progress`` None: not begun; ``result`` None: not done."""

    number: int
    state: str
    taken_by: str | None
    progress: Mapping[str, Any] | None
    result: Mapping[str, Any] | None
    error: str | None
    hint: str | None


def ask(
    database: Database, source: str, kind: CommandKind, arguments: Sequence[Mapping[str, Any]], who: str
) -> list[int]:
    """Write down a command per element of ``arguments``, which names its ``stream``; their numbers."""
    numbers: list[int] = []
    with database.write() as connection:
        source_id = ensure_source(connection, source)
        now = database.dialect.now(connection)
        for each in arguments:
            made = connection.execute(
                insert(commands).values(
                    source_id=source_id,
                    kind=kind.value,
                    arguments=json.dumps(each, ensure_ascii=False),
                    who=who,
                    asked_at=now,
                )
            ).inserted_primary_key
            assert made is not None
            numbers.append(int(made[0]))
    return numbers


def look_up(database: Database, numbers: Sequence[int]) -> dict[int, CommandView]:
    """These commands as they stand."""
    with database.read() as connection:
        found = connection.execute(select(commands).where(commands.c.id.in_(numbers))).all()
    return {
        row.id: CommandView(
            row.id, row.state, row.taken_by, _read(row.progress), _read(row.result), row.error, row.hint
        )
        for row in found
    }


def withdraw(database: Database, number: int) -> bool:
    """Take a command back; False when it is begun, or over."""
    back = _failed(WITHDRAWN, None).where(
        commands.c.id == number,
        or_(commands.c.state == "waiting", _TAKEN_NOT_BEGUN),
    )
    with database.write() as connection:
        return connection.execute(back.values(ended_at=database.dialect.now(connection))).rowcount > 0


def inherit(database: Database, names: Sequence[str], owner: Owner) -> None:
    """Settle what former owners of these sources have left: what they did not begin waits for us,
    what they began has failed, since nobody knows how far it came.
    """
    gone = (
        commands.c.source_id.in_(select(sources.c.id).where(sources.c.name.in_(names))),
        commands.c.state == "running",
        commands.c.taken_by != owner.token,
    )
    why = "the process that did it ended before it was done; what it had committed stands"
    with database.write() as connection:
        now = database.dialect.now(connection)
        connection.execute(_WAITING_AGAIN.where(*gone, commands.c.progress.is_(None)))
        connection.execute(_failed(why, "ask for it again").where(*gone).values(ended_at=now))


def present(database: Database, source: str, seen_by: Owner) -> Holder | None:
    """Who owns a source and is there, as far as can be seen from where ``seen_by`` runs."""
    found = leases.holder(database, source)
    return None if found is None or leases.is_gone(found.owner, seen_by) else found


class Inbox:
    """The commands to one owner. Fits ``engine.commands.Inbox``."""

    def __init__(self, database: Database, owner: Owner) -> None:
        self._database = database
        self._token = owner.token

    def waiting(self) -> list[Command]:
        """What waits for us, in the order in which it was asked for."""
        ours = commands.c.source_id.in_(select(sources.c.id).where(sources.c.lease_token == self._token))
        asked = select(commands).where(ours, commands.c.state == "waiting").order_by(commands.c.id)
        with self._database.read() as connection:
            found = connection.execute(asked).all()
        return [_command(row.id, row.kind, json.loads(row.arguments), row.who) for row in found]

    def take(self, number: int) -> bool:
        """Make a waiting command ours; False when somebody was faster, or it was withdrawn."""
        ours = select(sources.c.id).where(sources.c.lease_token == self._token)
        taken = (
            update(commands)
            .where(commands.c.id == number, commands.c.state == "waiting", commands.c.source_id.in_(ours))
            .values(state="running", taken_by=self._token)
        )
        with self._database.write() as connection:
            now = self._database.dialect.now(connection)
            return connection.execute(taken.values(taken_at=now)).rowcount > 0

    def begin(self, number: int) -> bool:
        """Say that a command of ours is really begun; False when it was withdrawn meanwhile."""
        return self._write(_mine(number, self._token).where(commands.c.progress.is_(None)), progress="{}")

    def note(self, number: int, progress: Mapping[str, Any]) -> None:
        """Say how far it has come."""
        self._write(_mine(number, self._token), progress=json.dumps(progress))

    def done(self, number: int, result: Mapping[str, Any]) -> None:
        """It is done."""
        written = json.dumps(result, ensure_ascii=False)
        self._write(_mine(number, self._token), state="done", result=written, ended_at=self._now())

    def failed(self, number: int, error: str, hint: str | None) -> None:
        """It cannot be done."""
        self._write(_mine(number, self._token), state="failed", error=error, hint=hint, ended_at=self._now())

    def give_back(self) -> None:
        """We stop: what was not begun waits for the next owner, the rest was broken off."""
        mine = (commands.c.state == "running", commands.c.taken_by == self._token)
        why = "the daemon was stopped before it was done; what it had committed stands"
        with self._database.write() as connection:
            now = self._database.dialect.now(connection)
            connection.execute(_WAITING_AGAIN.where(*mine, commands.c.progress.is_(None)))
            connection.execute(_failed(why, "ask for it again").where(*mine).values(ended_at=now))

    def _write(self, step: Update, **values: Any) -> bool:  # noqa: ANN401
        with self._database.write() as connection:
            return connection.execute(step.values(**values)).rowcount > 0

    def _now(self) -> Any:  # noqa: ANN401
        with self._database.read() as connection:
            return self._database.dialect.now(connection)


_TAKEN_NOT_BEGUN = (commands.c.state == "running") & commands.c.progress.is_(None)
_WAITING_AGAIN = update(commands).values(state="waiting", taken_at=None, taken_by=None)


def _mine(number: int, token: str) -> Update:
    return update(commands).where(
        commands.c.id == number, commands.c.state == "running", commands.c.taken_by == token
    )


def _failed(error: str, hint: str | None) -> Update:
    return update(commands).values(state="failed", error=error, hint=hint)


def _command(number: int, kind: str, arguments: dict[str, Any], who: str) -> Command:
    return Command(number, kind, str(arguments.pop("stream", "")), arguments, who)


def _read(text: str | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    read: dict[str, Any] = json.loads(text)
    return read
