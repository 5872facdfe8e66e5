"""Many streams in one real house, each with a case of its own; polled, judged, mended and compared."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poller.bootstrap import House
from poller.config.load import load
from poller.core.model import Stream
from poller.core.runs import Outcome, Report, RunKind
from poller.http.redact import Redactor
from tests.hostile.api import SIZE, Api, Listing
from tests.hostile.case import Case, Moment

TIMEOUT = 1.0
BUDGET = 2.0
PAGES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "cursor": ({"cursor": "{cursor}"}, {"type": "cursor", "next": "next"}),
    "more": ({"cursor": "{cursor}"}, {"type": "cursor", "next": "next", "more": "more"}),
    "header": ({"cursor": "{cursor}"}, {"type": "cursor", "next": "header:X-Next"}),
    "from_key": ({"cursor": "{cursor}"}, {"type": "cursor", "from_key": True, "more": "more"}),
    "next_url": ({}, {"type": "next_url", "next": "url"}),
    "offset": ({"offset": "{offset}"}, {"type": "offset"}),
    "total": ({"offset": "{offset}"}, {"type": "offset", "total": "total"}),
    "keyset": ({}, {"type": "keyset"}),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """What a hostile poll came to."""

    report: Report
    seconds: float
    mirror: dict[int, dict[str, Any]]
    letters: int


class Ward:
    """The cases of one folder. Close it when done."""

    def __init__(self, folder: Path, empty: Path, cases: Sequence[Case]) -> None:
        database = folder / "mirror.db"
        shutil.copy(empty, database)
        self.api = Api()
        self.names = {str(case): f"c{number}" for number, case in enumerate(cases)}
        self.cases = {str(case): case for case in cases}
        settings = folder / "settings.toml"
        settings.write_text("\n".join(self._settings(database)))
        self.house = House(load(settings, {}), Redactor())
        self._streams = {stream.source: stream for stream in self.house.streams}
        self._leased = self.house.leased()
        self._leased.__enter__()
        self._looking = sqlite3.connect(database, timeout=30, check_same_thread=False)
        self._look = threading.Lock()

    def _settings(self, database: Path) -> Iterable[str]:
        yield f'[database]\nurl = "sqlite:///{database}"\n[daemon]\nspread = false\n'
        for shown, name in self.names.items():
            yield _source(self.api.origin, name, self.cases[shown])

    def close(self) -> None:
        self._looking.close()
        self._leased.__exit__(None, None, None)
        self.house.close()
        self.api.close()

    def admit(self, case: Case) -> Listing:
        """A server with five rows for the case; three of them are mirrored when it comes later."""
        listing = self.api.listings[self.names[str(case)]] = Listing(case)
        listing.put(1, 2, 3)
        if case.moment is Moment.LATER:
            report = self._poll(case)
            assert report.error is None, f"before anything hostile was sent: {report.error}"
        listing.put(4, 5)
        return listing

    def suffer(self, case: Case, listing: Listing) -> Ended:
        """One poll while the server is hostile."""
        listing.arm()
        began = time.monotonic()
        report = self._poll(case)
        seconds = time.monotonic() - began
        return Ended(report, seconds, self.mirror(case), self.letters(case))

    def mend(self, case: Case, listing: Listing) -> Report:
        """The server is good again, a row changed and one is new; whatever wait it asked for is over."""
        listing.armed_from = None
        listing.put(2, 6, *sorted(case.poisoned - {2}))
        self._sql("UPDATE poller_sources SET not_before = NULL WHERE name = ?", self.names[str(case)])
        return self._poll(case)

    def mirror(self, case: Case) -> dict[int, dict[str, Any]]:
        table = f"{self.names[str(case)]}_rows"
        if not self._sql("SELECT 1 FROM sqlite_master WHERE name = ?", table):
            return {}
        found = self._sql(f"SELECT _payload FROM {table} WHERE _deleted_at IS NULL")
        rows = [json.loads(payload) for (payload,) in found]
        return {row["id"]: row for row in rows if isinstance(row["id"], int)}

    def letters(self, case: Case) -> int:
        """Open dead letters of single records."""
        sql = """SELECT count(*) FROM poller_dead_letters
            WHERE stream_id = (SELECT id FROM poller_streams WHERE name = ?)
            AND closed_at IS NULL AND reason <> 'page'"""
        ((count,),) = self._sql(sql, f"{self.names[str(case)]}.rows")
        return int(count)

    def watermark(self, case: Case) -> str | None:
        stream = self._streams[self.names[str(case)]]
        state = self.house.memory.state(stream)
        return None if state.watermark is None else state.watermark_text or str(state.watermark)

    def held_for(self, case: Case) -> float:
        """Seconds for which the source is not to be asked."""
        sql = "SELECT (julianday(not_before) - julianday('now')) * 86400 FROM poller_sources WHERE name = ?"
        ((seconds,),) = self._sql(sql, self.names[str(case)])
        return 0.0 if seconds is None else float(seconds)

    def _poll(self, case: Case) -> Report:
        stream: Stream = self._streams[self.names[str(case)]]
        return self.house.runner().poll(stream, RunKind.MANUAL)

    def _sql(self, sql: str, *values: object) -> list[Any]:
        with self._look, self._looking:
            return self._looking.execute(sql, values).fetchall()


def survives(ward: Ward, case: Case, *, within: float = BUDGET + TIMEOUT + 1) -> None:
    """The whole claim: no crash, no hang, no page-mate lost, and afterwards everything is there.

    ``within``: seconds that the hostile poll may take.
    """
    listing = ward.admit(case)
    told = len(listing.rows)

    ended = ward.suffer(case, listing)
    report = ended.report
    shown = f"it ended {report.outcome}: {report.error}"
    assert listing.turns > 0, f"nothing hostile was asked for; {shown}"
    assert report.outcome in case.ends, shown
    assert (report.outcome is Outcome.FAILED) == (report.error is not None)
    _is_clear(report)
    assert ended.seconds < within, f"it took {ended.seconds:.2f} s"
    if report.outcome is Outcome.FAILED:
        assert report.after == report.before, "a failed poll moved the watermark"
    assert case.says in (report.error or "")
    if case.mates and report.outcome is Outcome.OK:
        _has_the_mates(case, ended, told)

    mended = ward.mend(case, listing)
    assert mended.error is None, f"the server is good again: {mended.error} (before: {report.error})"
    held, truth = ward.mirror(case), listing.truth()
    assert {key: row for key, row in held.items() if key not in case.strays} == {
        key: row for key, row in truth.items() if key not in case.strays
    }
    assert ward.watermark(case) == listing.newest()


def _is_clear(report: Report) -> None:
    said = report.error or ""
    assert "defect" not in said, said
    assert "Traceback" not in said
    assert len(said) < 2000, f"{len(said)} characters of error"


def _has_the_mates(case: Case, ended: Ended, told: int) -> None:
    expected = {number for number in range(1, told + 1) if number not in case.missing}
    assert expected <= set(ended.mirror), f"lost {expected - set(ended.mirror)}"
    if case.letters is not None:
        assert ended.letters >= case.letters, f"{ended.letters} dead letters, not {case.letters}"


def _source(origin: str, name: str, case: Case) -> str:
    params, page = PAGES[case.paging]
    source = {
        "base_url": origin,
        "timeout": f"{TIMEOUT:g}s",
        "retry": {"attempts": 1, "initial": "10ms", "maximum": "20ms", "jitter": "none"},
    }
    stream = {
        "path": f"/{name}",
        "params": {"since": "{since}", "size": "{size}", **params},
        "records": "rows",
        "key": "id",
        "updated_at": "updated_at",
        "order": "asc",
        "schedule": "1h",
        "budget": f"{BUDGET:g}s",
        "since": {"format": "rfc3339", "bound": "closed", "lookback": "0s"},
        "page": {**page, "size": SIZE},
    }
    return "\n".join(
        [
            *_table(f"sources.{name}", source),
            *_table(f"sources.{name}.streams.rows", stream),
        ]
    )


def _table(name: str, members: Mapping[str, Any]) -> list[str]:
    return [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in members.items()), ""]


def _toml(value: Any) -> str:  # noqa: ANN401 (any TOML value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
