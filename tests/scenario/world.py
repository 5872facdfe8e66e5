"""The whole path in one process: an emulated API, settings through the real loader, and its mirror."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from poller.bootstrap import House
from poller.config.load import load
from poller.core.model import Stream
from poller.core.runs import Outcome, Report, RunKind
from poller.http.redact import Redactor
from tests.emulators.endpoint import Endpoint
from tests.emulators.faults import Reply
from tests.emulators.scripted import Emulator
from tests.emulators.stamps import SECOND
from tests.emulators.world import Clock
from tests.emulators.world import World as Model
from tests.scenario.books import Books, Rows

NOON = 1_795_262_400 * SECOND
"""2026-11-21T12:00:00Z: where the emulated API's frozen clock begins."""

PARAMS = {"offset": {"offset": "{offset}"}, "keyset": {}, "next_url": {}}
PAGES: dict[str, dict[str, Any]] = {
    "offset": {"type": "offset"},
    "keyset_cursor": {"type": "cursor", "next": "next"},
    "offset_cursor": {"type": "cursor", "next": "next"},
    "after_key": {"type": "cursor", "from_key": True, "more": "has_more"},
    "next_url": {"type": "next_url", "next": "next"},
    "keyset": {"type": "keyset"},
}
SINCE: dict[str, dict[str, Any]] = {
    "closed": {"bound": "closed"},
    "open": {"bound": "open"},
    "closed_seconds": {"bound": "closed", "granularity": "1s"},
    "open_seconds": {"bound": "open", "granularity": "1s"},
    "ignored": {"bound": "closed"},
}


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The right page after ``rewrite`` has changed it: a fault that no other has a name for."""

    rewrite: Callable[[dict[str, Any]], object]

    def breaks(self, right: Reply, records: str, now: int) -> Reply:
        document = json.loads(json.dumps(right.document))
        self.rewrite(document)
        return replace(right, document=document)


def settings_text(
    base_url: str,
    database: Path,
    endpoint: Endpoint,
    *,
    source: Mapping[str, Any] | None = None,
    size: int = 10,
    since: Mapping[str, Any] | None = None,
    page: Mapping[str, Any] | None = None,
    **stream: Any,  # noqa: ANN401 (whatever stands in a stream's table)
) -> str:
    """TOML settings of one stream ``api.rows`` that asks ``endpoint`` as its documentation would say."""
    names = endpoint.names
    steering = PARAMS.get(endpoint.paging, {names.cursor: "{cursor}"})
    order = endpoint.sort if endpoint.sort in ("asc", "desc", "key") else "none"
    table = {
        "path": endpoint.path,
        "params": {names.since: endpoint.wrapped + "{since}", names.size: "{size}", **steering},
        "records": names.records,
        "key": names.key,
        "updated_at": names.position,
        "order": order,
        "ties": "unstable" if endpoint.ties == "shuffled" else "stable",
        "schedule": "1s",
        "since": {**SINCE[endpoint.compare], **(since or {})},
        "page": {**PAGES[endpoint.paging], "size": size, **(page or {})},
        **stream,
    }
    api = {
        "base_url": base_url,
        "timeout": "5s",
        "request_id_header": "X-Request-ID",
        "retry": {"attempts": 3, "initial": "10ms", "maximum": "20ms", "jitter": "none"},
        **(source or {}),
    }
    return "\n".join(
        [
            *section("database", {"url": f"sqlite:///{database}"}),
            *section("daemon", {"spread": False, "state_dir": str(database.parent / "state")}),
            *section("sources.api", api),
            *section("sources.api.streams.rows", table),
        ]
    )


class World(Books):
    """One stream, its API and its mirror. Polls by hand; close it when done."""

    def __init__(self, folder: Path, source: Emulator, text: str) -> None:
        super().__init__(folder / "mirror.db")
        self.source = source
        self.settings = folder / "settings.toml"
        self.settings.write_text(text)
        self.settings.chmod(0o600)
        self._open()

    def _open(self) -> None:
        self.house = House(load(self.settings, {}), Redactor())
        self._leased = self.house.leased()
        self._leased.__enter__()

    @property
    def model(self) -> Model:
        """The API's rows, to be moved."""
        return self.source.world

    @property
    def stream(self) -> Stream:
        return self.house.streams[0]

    # --- what a test does -----------------------------------------------------------------------

    def poll(self) -> Report:
        """One poll that must end well."""
        report = self._poll()
        assert report.error is None, report.error
        assert report.outcome is Outcome.OK
        return report

    def failing_poll(self) -> Report:
        """One poll that must fail, and say why."""
        report = self._poll()
        assert report.outcome is Outcome.FAILED, f"it ended {report.outcome}: {report.done}"
        assert report.error is not None
        return report

    def any_poll(self) -> Report:
        """One poll that may fail, if it says so."""
        report = self._poll()
        assert (report.outcome is Outcome.FAILED) == (report.error is not None)
        assert "defect" not in (report.error or "")
        return report

    def quiet_poll(self) -> Report:
        """A poll a second later, while nothing moves."""
        self.source.be_quiet()
        self.pass_time(1)
        return self.poll()

    def pass_time(self, seconds: float = 1) -> None:
        """Let the API's clock go on."""
        self.source.clock.advance(seconds)

    def replica_is_behind(self, seconds: float) -> None:
        """From now on a replica answers that lags so far."""
        listing = self.source._pages[self.stream.template.path].listing
        listing.endpoint = replace(listing.endpoint, lag=seconds)

    def restart(self) -> None:
        """Another process, the same settings and database."""
        self.close_house()
        self._open()

    def _poll(self) -> Report:
        return self.house.runner().poll(self.stream, RunKind.MANUAL)

    def mirror_of_the_living(self) -> Rows:
        """The mirror without rows that the API has deleted: only a sweep could know."""
        alive = self.source.truth()
        return {key: row for key, row in self.mirror().items() if key in alive}

    # --- the end --------------------------------------------------------------------------------

    def close_house(self) -> None:
        self._leased.__exit__(None, None, None)
        self.house.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_house()
        self.source.__exit__(kind, error, trace)


def fill(model: Model, count: int, *, tied: int = 0) -> None:
    """``count`` rows, a second apart up to the clock; ``tied`` more at one moment in the middle."""
    first = model.clock.now() - (count + 1) * SECOND
    model.insert_many(count // 2, first, step=SECOND)
    model.insert_many(tied, first + count // 2 * SECOND)
    model.insert_many(count - count // 2, first + (count // 2 + 1) * SECOND, step=SECOND)


def frozen_clock() -> Clock:
    return Clock(NOON)


def section(name: str, table: Mapping[str, Any]) -> list[str]:
    return [f"[{name}]", *(f"{json.dumps(key)} = {_toml(value)}" for key, value in table.items()), ""]


def _toml(value: Any) -> str:  # noqa: ANN401 (any TOML value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
