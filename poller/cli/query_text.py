"""Turns a stream with conditions into SQL, and the database's complaints into something to go by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poller.cli.failures import UsageError
from poller.cli.names import did_you_mean, one

if TYPE_CHECKING:
    from poller.config import Settings
    from poller.core.errors import PollerError, StoreError
    from poller.store.database import Database


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options that go with a stream; None and False where one was not given."""

    where: str | None
    order_by: str | None
    limit: int | None
    columns: str | None
    deleted: bool

    def refuse_beside_sql(self) -> None:
        """Raises UsageError when one of them stands beside a statement, where it would do nothing."""
        given = {
            "--where": self.where is not None,
            "--order-by": self.order_by is not None,
            "--limit": self.limit is not None,
            "--columns": self.columns is not None,
            "--deleted": self.deleted,
        }
        useless = [name for name, is_given in given.items() if is_given]
        if useless:
            raise UsageError(
                f"{', '.join(useless)} goes with a stream, and this is a whole statement",
                hint="write it into the SQL, or name a stream: poller query source.stream --where …",
            )


def statement(settings: Settings, database: Database, word: str, wanted: Wanted, at_most: int | None) -> str:
    """The SELECT on the mirror that ``word`` names; with ``at_most``, for one row more than that."""
    from poller.cli.opening import stream_names
    from poller.store.views_streams import stream_view

    name = one(word, stream_names(settings, database))
    bare = stream_view(database, name).table
    table = _quoted(bare)
    conditions = [f"({wanted.where})"] if wanted.where is not None else []
    if not wanted.deleted:
        conditions.append("_deleted_at IS NULL")
    columns = (
        "*" if wanted.columns is None else ", ".join(map(_quoted, _split(wanted.columns, database, bare)))
    )
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f" ORDER BY {wanted.order_by}" if wanted.order_by is not None else ""
    count = wanted.limit if at_most is None else at_most + 1
    limit = f" LIMIT {count}" if count is not None else ""
    return f"SELECT {columns} FROM {table}{where}{order}{limit}"  # noqa: S608 (the user's own query, read only)


def explained(database: Database, error: StoreError) -> PollerError:
    """A mistake in the SQL as such, with the name that was probably meant; other errors as they are."""
    from poller.core.errors import StoreUnavailable
    from poller.store.views_query import tables

    text = str(error)
    if "readonly database" in text or "attempt to write" in text:
        return UsageError("poller query can only read", hint="change the mirror's rows at their source")
    if isinstance(error, StoreUnavailable):
        return error
    missing = re.search(r"no such (table|column): (\S+)", text)
    if missing is None:
        return UsageError(
            _short(text), hint="the statement goes to the database as it stands: check its syntax"
        )
    known = tables(database)
    names = list(known) if missing[1] == "table" else [c for columns in known.values() for c in columns]
    return UsageError(f"no such {missing[1]}: {missing[2]}", hint=_meant(missing[1], missing[2], names))


def _meant(kind: str, word: str, names: list[str]) -> str:
    bare = word.rpartition(".")[2].strip("\"'`[]")
    close = did_you_mean(word, names) or did_you_mean(bare, names)
    if close is not None:
        return close
    if kind == "column":
        return "column names are in snake_case (userId → user_id); texts stand in single quotes"
    mirrors = sorted(name for name in names if not name.startswith("poller_"))
    return f"there are {', '.join(mirrors)}, and poller's own tables, whose names begin with poller_"


def _split(columns: str, database: Database, table: str) -> list[str]:
    """The columns of ``table`` that are named: SQLite would take a quoted name that it has not for a text."""
    from poller.store.views_query import tables

    found = [each.strip() for each in columns.split(",")]
    if "" in found:
        raise UsageError(f"--columns {columns!r} names an empty column", hint="write --columns id,name")
    known = tables(database).get(table, ())
    for name in found:
        if name.lower() not in map(str.lower, known):
            close = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise UsageError(f"{table} has no column {name!r}", hint=close)
    return found


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _short(text: str) -> str:
    """The database's own words, without ours around them."""
    return re.sub(r"^the database .*? refused: ", "", text)
