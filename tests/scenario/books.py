"""What poller wrote, as a user's own connection reads it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.emulators.stamps import Stamp

Rows = dict[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the change feed; ``version`` is the one after it."""

    seq: int
    op: str
    key: str
    version: int | None


class Books:
    """The database of one stream, ``api.rows``."""

    def __init__(self, database: Path) -> None:
        self.database = database

    def mirror(self) -> Rows:
        """Every row as the API sent it, by key; the typed columns must agree with it."""
        mirrored: Rows = {}
        for row in self.rows("SELECT * FROM api_rows WHERE _deleted_at IS NULL"):
            fields = json.loads(row["_payload"])
            assert (row["id"], row["version"]) == (fields["id"], fields["version"])
            assert row["_key"] == json.dumps(fields["id"])
            mirrored[fields["id"]] = fields
        return mirrored

    def snapshot(self) -> list[tuple[Any, ...]]:
        """The mirror's table as it stands: any write of a row would show, in its run at least."""
        return [tuple(row) for row in self.rows("SELECT * FROM api_rows ORDER BY _key")]

    def changes(self) -> list[Change]:
        found = self.rows("SELECT seq, op, key, after FROM poller_changes ORDER BY seq")
        return [
            Change(seq, op, key, None if after is None else json.loads(after)["version"])
            for seq, op, key, after in found
        ]

    def notices(self) -> set[str]:
        """The kinds of notices of all runs."""
        return {kind for (kind,) in self.rows("SELECT kind FROM poller_notices")}

    def watermark(self) -> int | None:
        """In nanoseconds."""
        ((text,),) = self.rows("SELECT watermark FROM poller_streams")
        return None if text is None else _nanoseconds(text)

    def letters(self) -> list[tuple[str, bytes]]:
        """Open dead letters: reason and bytes, oldest first."""
        open_ones = "SELECT reason, payload FROM poller_dead_letters WHERE closed_at IS NULL ORDER BY id"
        return [tuple(row) for row in self.rows(open_ones)]

    def column_type(self, name: str) -> str:
        ((kind,),) = self.rows("SELECT type FROM poller_columns WHERE name = ?", name)
        return str(kind)

    def rows(self, sql: str, *values: Any) -> list[Any]:  # noqa: ANN401
        """What a user's own connection sees."""
        with closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(sql, values).fetchall()


def _nanoseconds(text: str) -> int:
    moment = Stamp().read(text)
    assert moment is not None
    return moment
