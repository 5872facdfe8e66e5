"""A family's API in motion, the settings that a user would copy, and the mirror that comes of them."""

from __future__ import annotations

import json
import random
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from poller.bootstrap import House
from poller.config.load import load
from poller.core.model import Stream
from poller.core.runs import Outcome, Report, RunKind
from poller.http.redact import Redactor
from tests.emulators.families import settings_of
from tests.emulators.families.api import TOKEN, Api
from tests.emulators.families.call import Family, Shown
from tests.emulators.families.model import Model
from tests.emulators.stamps import Stamp
from tests.emulators.world import Clock
from tests.scenario.world import NOON

IMPATIENT = '{ "attempts": 5, "initial": "10ms", "maximum": "20ms", "jitter": "none" }'


class Reading:
    """One family, its settings as they stand beside it, and a database. Polls by hand."""

    def __init__(self, folder: Path, empty_database: Path, make: Callable[[Model], Family]) -> None:
        self.model = Model(Clock(NOON))
        self.family = make(self.model)
        self.api = Api(self.family)
        self.database = folder / "mirror.db"
        shutil.copy(empty_database, self.database)
        (folder / "token").write_text(f"{TOKEN}\n")
        (folder / "token").chmod(0o600)
        self.settings = folder / "settings.toml"
        text = settings_of(self.family)
        self.settings.write_text(re.sub(r"https://[\w.-]+\.example", self.api.base_url, text))
        (self.source,) = re.findall(r"^\[sources\.(\w+)]$", text, re.MULTILINE)
        self._environment = {
            "POLLER_DATABASE__URL": f"sqlite:///{self.database}",
            f"POLLER_SOURCES__{self.source}__AUTH__TOKEN": f"file:{folder / 'token'}",
            f"POLLER_SOURCES__{self.source}__RETRY": IMPATIENT,
        }
        self._open()

    def _open(self) -> None:
        self.house = House(load(self.settings, self._environment), Redactor())
        self._leased = self.house.leased()
        self._leased.__enter__()

    def _close(self) -> None:
        self._leased.__exit__(None, None, None)
        self.house.close()

    # --- what a test does ---------------------------------------------------------------------------

    @property
    def streams(self) -> tuple[Stream, ...]:
        return self.house.streams

    def any_poll(self) -> list[Report]:
        """One poll of each stream. It may fail, if it says so."""
        reports = [self.house.runner().poll(stream, RunKind.MANUAL) for stream in self.streams]
        for report in reports:
            assert (report.outcome is Outcome.FAILED) == (report.error is not None)
            assert "defect" not in (report.error or ""), report.error
        return reports

    def poll(self) -> list[Report]:
        """One poll of each stream, which must end well."""
        reports = self.any_poll()
        for report in reports:
            assert report.error is None, f"{report.stream}: {report.error} ({report.hint})"
            assert report.outcome is Outcome.OK
        return reports

    def quiet_poll(self) -> list[Report]:
        """A poll some time later, while nothing moves: what committed late is there by then."""
        self.api.be_quiet()
        self.pass_time(30)
        return self.poll()

    def restart(self) -> None:
        """Another process, the same settings and database."""
        self._close()
        self._open()

    def write_whole_settings(self) -> None:
        """Settings that need no environment, for the command line."""
        token, address = f"file:{self.database.parent / 'token'}", f"sqlite:///{self.database}"
        text = re.sub(r'"env:\w+"', json.dumps(token), self.settings.read_text())
        self.settings.write_text(f"[database]\nurl = {json.dumps(address)}\n\n{text}")

    def pass_time(self, seconds: float) -> None:
        self.model.clock.advance(seconds)

    # --- what a user sees ----------------------------------------------------------------------------

    @property
    def table(self) -> str:
        return self.streams[0].table

    def alive(self) -> Shown:
        """The mirror by key, as the API sent it; every typed column must agree with it."""
        columns = self._of_the_first_stream("poller_columns", "ordinal")
        mirrored: Shown = {}
        for row in self.rows(f"SELECT * FROM {self.table} WHERE _deleted_at IS NULL"):
            mirrored[row["_key"]] = json.loads(row["_payload"])
            _assert_columns(row, columns, mirrored[row["_key"]])
        return mirrored

    def tombstones(self) -> set[str]:
        """Keys that the mirror knows as deleted."""
        return {key for (key,) in self.rows(f"SELECT _key FROM {self.table} WHERE _deleted_at IS NOT NULL")}

    def written(self) -> list[list[tuple[Any, ...]]]:
        """All tables of the mirror and the change feed: any write would show."""
        tables = [stream.table for stream in self.streams]
        asked = [f"SELECT * FROM {table} ORDER BY _key" for table in tables]
        asked.append("SELECT * FROM poller_changes ORDER BY stream_id, seq")
        return [[tuple(row) for row in self.rows(sql)] for sql in asked]

    def _of_the_first_stream(self, table: str, order: str) -> list[sqlite3.Row]:
        named = "SELECT id FROM poller_streams WHERE name = ?"
        sql = f"SELECT * FROM {table} WHERE stream_id = ({named}) ORDER BY {order}"
        return self.rows(sql, str(self.streams[0]))

    def notices(self) -> set[str]:
        return {kind for (kind,) in self.rows("SELECT kind FROM poller_notices")}

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:  # noqa: ANN401
        with closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(sql, values).fetchall()

    # --- what must hold ------------------------------------------------------------------------------

    def assert_whole(self) -> None:
        """The mirror equals the model, row by row; deletions show as far as the API shows them."""
        alive, shown, buried = self.alive(), self.family.shown(), self.family.buried()
        silent = set() if buried else set(alive) - set(shown)
        living = {key: row for key, row in alive.items() if key not in silent}
        missing, extra = sorted(set(shown) - set(living)), sorted(set(living) - set(shown))
        stale = sorted(key for key in living.keys() & shown.keys() if living[key] != shown[key])
        found = {"missing": missing, "extra": extra, "stale": stale}
        assert not any(found.values()), f"{found}\n{[(living[key], shown[key]) for key in stale[:3]]}"
        assert len(silent) <= len(self.model.graves), f"dead and not shown: {silent}"
        assert self.tombstones() <= buried, f"wrongly dead: {self.tombstones() - buried}"
        assert bool(self.tombstones()) == bool(buried), "no tombstone at all"

    def assert_feed_is_whole(self) -> None:
        """The numbers of the change feed have no hole, and what it tells is what the mirror holds."""
        changes = self._of_the_first_stream("poller_changes", "seq")
        told: dict[str, Any] = {}
        for turn, change in enumerate(changes, start=1):
            assert change["seq"] == turn
            if change["op"] == "delete":
                told.pop(change["key"], None)
            else:
                told[change["key"]] = json.loads(change["after"])
        assert told == self.alive()

    def assert_client_was_right(self) -> None:
        """No request was malformed, and no two were under way at once."""
        assert self.api.misuses == []
        assert self.api.most_at_once == 1

    # --- the end -------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self.api.__exit__(kind, error, trace)


OpenReading = Callable[[Callable[[Model], Family]], Reading]


@pytest.fixture
def open_reading(tmp_path: Path, empty_database: Path) -> Iterator[OpenReading]:
    """Opens readings of families, and closes them."""
    with ExitStack() as open_ones:

        def open_one(make: Callable[[Model], Family]) -> Reading:
            return open_ones.enter_context(Reading(tmp_path, empty_database, make))

        yield open_one


@dataclass(slots=True)
class Storm:
    """Moves a model a little after each answer, until ``left`` moves are used up: for ``between_pages``.

    ``late``: some transactions commit late. ``back``: deleted rows may come back under their key.
    """

    dice: random.Random
    left: int
    late: bool = False
    back: bool = False

    def __call__(self, model: Model) -> None:
        model.clock.advance(self.dice.choice([0, 1, 1, 2]))
        for _ in range(min(self.left, self.dice.randint(3, 8))):
            self.left -= 1
            self.move(model)

    def move(self, model: Model) -> None:
        """One move: mostly updates of old rows, some new ones, some deletes, now and then many at once."""
        dice, ids = self.dice, model.ids()
        late = dice.choice([0, 0, 8]) if self.late else 0
        match dice.choices(["update", "insert", "delete", "many", "back"], [50, 20, 18, 5, 7])[0]:
            case "insert":
                model.insert(late=late)
            case "delete":
                model.delete(dice.choice(ids))
            case "many":
                model.touch_many(dice.sample(ids, 25))
            case "back" if self.back and model.graves:
                model.insert(id=dice.choice(sorted(model.graves)))
            case _:
                model.update(dice.choice(ids), late=late)


def _assert_columns(row: sqlite3.Row, columns: list[sqlite3.Row], record: Mapping[str, Any]) -> None:
    known = set()
    for column in columns:
        found: Any = record
        path = [column["field"]] if column["origin"] == "field" else column["field"].split(".")
        known.add(path[0])
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        assert _is_as(row[column["name"]], found, column["type"]), (
            f"{column['name']}: {row[column['name']]!r} for {found!r}"
        )
    assert set(record) <= known, f"fields without a column: {sorted(set(record) - known)}"


def _is_as(stored: Any, sent: Any, kind: str) -> bool:  # noqa: ANN401 (any value)
    if stored is None or sent is None:
        return stored is None and sent is None
    if kind == "timestamp":
        return Stamp().read(stored) == Stamp().read(sent)
    if kind == "json" or (kind == "text" and not isinstance(sent, str)):
        return bool(json.loads(stored) == sent)
    return bool(stored == sent)
