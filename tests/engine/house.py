"""The real program in processes of its own: started, signalled, killed; its database shows what came."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.emulators.endpoint import Endpoint
from tests.emulators.scripted import Emulator
from tests.emulators.world import World as Model
from tests.scenario.books import Books
from tests.scenario.world import frozen_clock, settings_text

PATIENCE = 20.0
"""Seconds after which a test says that what it waits for does not come."""


@dataclass(frozen=True, slots=True)
class Missed:
    """One row of the ledger of missed polls."""

    first: datetime
    last: datetime
    count: int
    reason: str
    healed_by: int | None


class Process:
    """One `poller …` under way; its stderr goes to a file."""

    def __init__(self, settings: Path, *arguments: str) -> None:
        self.log = settings.parent / f"stderr-{time.monotonic_ns()}.txt"
        command = [sys.executable, "-m", "poller", "--config", str(settings), *arguments]
        with self.log.open("wb") as stderr:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=Path(__file__).parents[2]
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def said(self) -> str:
        return self.log.read_text()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def ended(self, within: float = PATIENCE) -> int:
        """The exit code, negative for a signal."""
        return self._process.wait(within)

    def output(self, within: float = PATIENCE) -> str:
        return self._process.communicate(timeout=within)[0]

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is not None:
            sys.stderr.write(self.said)


class Site(Books):
    """A folder with settings and a database, and the API that they name."""

    def __init__(self, folder: Path, database: Path, source: Emulator, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(database)
        self.source = source
        self.settings = folder / "settings.toml"
        self._known = settings
        self.write_settings()

    @property
    def model(self) -> Model:
        """The API's rows, to be moved."""
        return self.source.world

    def write_settings(self, **changed: Any) -> None:  # noqa: ANN401
        """Write the settings file anew with these settings of the stream changed."""
        endpoint = next(iter(self.source._pages.values())).endpoint
        known = {"retry": {"attempts": 1}, "timeout": "20s", **self._known, **changed}
        self.settings.write_text(settings_text(self.source.base_url, self.database, endpoint, **known))

    def run(self) -> Process:
        return Process(self.settings, "run")

    def once(self) -> Process:
        return Process(self.settings, "once")

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        """What a listing command says, as JSON Lines."""
        with Process(self.settings, *arguments, "--json") as listing:
            return [json.loads(line) for line in listing.output().splitlines()]

    def missed(self) -> list[Missed]:
        """The ledger's rows, in the order of their slots."""
        found = self.rows(
            "SELECT first_slot, last_slot, slots, reason, healed_by"
            " FROM poller_missed_polls ORDER BY first_slot"
        )
        return [
            Missed(datetime.fromisoformat(first), datetime.fromisoformat(last), slots, reason, healed_by)
            for first, last, slots, reason, healed_by in found
        ]

    def polls(self) -> int:
        """Scheduled polls that ended well so far."""
        ((count,),) = self.rows(
            "SELECT coalesce(sum(polls), 0) FROM poller_runs"
            " WHERE kind = 'poll' AND outcome IN ('ok', 'partial')"
        )
        return int(count)

    def lease(self) -> tuple[Any, ...]:
        """Who holds the source, and when it was given back."""
        (held,) = self.rows("SELECT lease_token, lease_pid, released_at FROM poller_sources")
        return tuple(held)

    def slots_add_up(self) -> bool:
        """Whether every slot since the books began has exactly one outcome, on a schedule of one second."""
        ((first, last),) = self.rows(
            """SELECT min(first), max(last) FROM (
                   SELECT first_slot AS first, last_slot AS last FROM poller_runs WHERE first_slot IS NOT NULL
                   UNION ALL SELECT first_slot, last_slot FROM poller_missed_polls)"""
        )
        passed = datetime.fromisoformat(last) - datetime.fromisoformat(first)
        missed = sum(each.count for each in self.missed())
        unended = "SELECT 1 FROM poller_runs WHERE outcome IS NULL AND first_slot IS NOT NULL"
        open_runs = len(self.rows(unended))
        assert self.polls() + missed + open_runs == round(passed.total_seconds()) + 1, (
            f"{self.polls()} polls, {missed} missed, {open_runs} open over {passed}: {self.missed()}"
        )
        return True


@contextmanager
def site(folder: Path, empty: Path, api: dict[str, Any] | None = None, **settings: Any) -> Iterator[Site]:  # noqa: ANN401
    """A site on a copy of a migrated database."""
    database = folder / "mirror.db"
    database.write_bytes(empty.read_bytes())
    endpoint = Endpoint(**(api or {"paging": "offset"}))
    with Emulator(endpoint, clock=frozen_clock()) as source:
        yield Site(folder, database, source, **settings)


def until(true: Callable[[], object], within: float = PATIENCE, what: str = "") -> None:
    """Return as soon as ``true`` says so; an error after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what or true}")
        time.sleep(0.03)
