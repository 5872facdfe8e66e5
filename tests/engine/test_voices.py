"""A source whose settings change gets a new voice; the old one is closed with its last run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from poller.bootstrap import House
from poller.config import load
from poller.core.runs import Outcome, Report, RunKind
from poller.http.redact import Redactor
from tests.emulators.faults import Reply
from tests.emulators.server import Asked, Server
from tests.engine.house import until


class Api:
    """No rows; requests to ``/slow`` are answered when they are let go."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.let_go = threading.Event()
        self.server = Server(self.answer)

    def answer(self, asked: Asked) -> Reply:
        self.asked.append((asked.path, asked.header("x-version")))
        if asked.path == "/slow":
            assert self.let_go.wait(20)
        return Reply(200, [])

    @property
    def connections(self) -> int:
        return len(self.server._http._open)


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.let_go.set()
    made.server.close()


def write(file: Path, origin: str, version: int, more: str = "") -> None:
    lines = [
        f'[database]\nurl = "sqlite:///{file.parent / "mirror.db"}"',
        f'[sources.api]\nbase_url = "{origin}"\nconcurrency = 1',
        f'headers = {{ X-Version = "{version}" }}\n{more}',
    ]
    lines += [
        f'[sources.api.streams.{name}]\npath = "/{name}"\nkey = "id"\n'
        'schedule = "1h"\npage = { type = "none" }'
        for name in ("slow", "fast")
    ]
    file.write_text("\n".join(lines))


@contextmanager
def housed(file: Path) -> Iterator[House]:
    house = House(load(file, {}), Redactor(), reread=lambda: load(file, {}))
    try:
        with house.leased():
            yield house
    finally:
        house.close()


def poll(house: House, name: str) -> Report:
    (stream,) = [each for each in house.streams if each.name == name]
    return house.runner().poll(stream, RunKind.MANUAL)


@pytest.mark.parametrize("more", ["", 'rate_limit = "100/second"'])
def test_the_new_voice_shares_the_concurrency_of_the_old_one_which_goes_with_its_last_run(
    api: Api, tmp_path: Path, more: str
) -> None:
    file = tmp_path / "settings.toml"
    write(file, api.server.origin, 1)
    with housed(file) as house, ThreadPoolExecutor(2) as threads:
        slow = threads.submit(poll, house, "slow")
        until(lambda: len(api.asked) == 1)
        write(file, api.server.origin, 2, more)
        house.reload()
        fast = threads.submit(poll, house, "fast")
        waits = not _comes_within(0.7, fast.done)

        api.let_go.set()
        outcomes = [slow.result(10).outcome, fast.result(10).outcome]
        until(lambda: api.connections == 1, what="the end of the old voice's connection")
        again = poll(house, "fast")

    assert waits
    assert [*outcomes, again.outcome] == [Outcome.OK] * 3
    assert api.server.most_at_once == 1
    assert api.asked == [("/slow", "1"), ("/fast", "2"), ("/fast", "2")]


def test_a_voice_without_runs_is_closed_at_once_and_that_of_a_source_that_is_gone_too(
    api: Api, tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    write(file, api.server.origin, 1)
    with housed(file) as house:
        poll(house, "fast")
        assert api.connections == 1

        write(file, api.server.origin, 1, 'rate_limit = "100/second"')
        house.reload()
        until(lambda: api.connections == 0)
        poll(house, "fast")
        assert api.connections == 1
        file.write_text(file.read_text().replace("sources.api", "sources.other"))
        house.reload()

        until(lambda: api.connections == 0)


def test_a_voice_that_did_not_change_stays(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    write(file, api.server.origin, 1)
    with housed(file) as house:
        before = house.voice("api")

        house.reload()

        assert house.voice("api") is before


def _comes_within(seconds: float, true: object) -> bool:
    try:
        until(true, within=seconds)  # type: ignore[arg-type]
    except AssertionError:
        return False
    return True
