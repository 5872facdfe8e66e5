"""A mirror of a Datasette's table: settings, polls as a user runs them, and what the file then holds."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.real.datasette import Datasette, Key

MIRROR = "datasette_items"
WRITTEN = (MIRROR, "poller_changes", "poller_dead_letters", "poller_columns")
"""Tables that a poll which finds nothing new leaves alone, row by row."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A settings file and the SQLite file that it mirrors into."""

    settings: Path
    database: Path

    def once(self) -> dict[str, Any]:
        """``poller once`` in a process of its own; the run's row. Fails when the command does."""
        command = [sys.executable, "-m", "poller", "--config", str(self.settings), "once"]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
            env={**os.environ, "NO_COLOR": "1"},
        )
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return self.rows("SELECT * FROM poller_runs ORDER BY id DESC LIMIT 1")[0]

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement)]

    def typed(self) -> dict[Key, dict[str, Any]]:
        """Every live row by its key: the columns of the source, positions as the source writes them."""
        found = self.rows(f"SELECT * FROM {MIRROR} WHERE _deleted_at IS NULL")
        return {row["id"]: _as_the_source_writes(row) for row in found}

    def payloads(self) -> dict[Key, dict[str, Any]]:
        """Every live row by its key, from the record as it was received."""
        found = self.rows(f"SELECT id, _payload FROM {MIRROR} WHERE _deleted_at IS NULL")
        return {row["id"]: json.loads(row["_payload"]) for row in found}

    def written(self) -> dict[str, list[dict[str, Any]]]:
        """Everything that stands in the tables that only news may touch."""
        return {table: self.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in WRITTEN}

    def forbid_writing(self) -> None:
        """From now on any INSERT, UPDATE or DELETE of those tables fails, and with it the run."""
        with closing(sqlite3.connect(self.database, timeout=30)) as connection, connection:
            for table in WRITTEN:
                for verb in ("INSERT", "UPDATE", "DELETE"):
                    connection.execute(
                        f"CREATE TRIGGER no_{verb}_{table} BEFORE {verb} ON {table}"
                        f" BEGIN SELECT RAISE(ABORT, '{verb} of {table}'); END"
                    )


def mirror_of(server: Datasette, stream: str, folder: Path) -> Mirror:
    """Settings for one stream of ``server`` (``stream`` is its TOML), and a mirror that is still empty."""
    database = folder / "mirror.db"
    settings = folder / "settings.toml"
    settings.write_text(
        f'[database]\nurl = "sqlite:///{database}"\n\n'
        f'[sources.datasette]\nbase_url = "{server.base_url}"\nconcurrency = 2\n\n{stream}'
    )
    return Mirror(settings, database)


def _as_the_source_writes(row: dict[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in row.items() if not name.startswith("_")}
    return {**own, "updated_at": own["updated_at"].replace(".000000000Z", "Z")}
