"""kill -9 in the middle of a rolling window: the server's own count stays within the rate all the same.

By default a hundred requests per eight seconds. ``make torture-rate`` does it with 1000 a minute, and
``POLLER_TORTURE_RATE=<seed>`` with another seed.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from tests.emulators.faults import Reply
from tests.emulators.server import Asked, Server
from tests.engine.house import Process, until

STREAMS = ("bikes", "cars", "trains", "ferries")
TORTURE = "POLLER_TORTURE_RATE"


@dataclass(frozen=True, slots=True)
class Rate:
    """``requests`` are made under ``permits`` per ``seconds``; the process is killed at two of them."""

    permits: int
    seconds: int
    requests: int
    seed: int

    @property
    def kills(self) -> list[int]:
        dice = random.Random(self.seed)
        return [
            dice.randint(self.permits // 5, self.permits // 3),
            dice.randint(self.permits // 2, self.permits),
        ]


@dataclass
class Api:
    """Listings without end, one row per page; it counts each request when it arrives."""

    at: list[float] = field(default_factory=list)
    on: dict[int, Callable[[], None]] = field(default_factory=dict)
    """What happens when so many requests have come."""
    counting: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, asked: Asked) -> Reply:
        with self.counting:
            self.at.append(time.monotonic())
            happens = self.on.pop(len(self.at), None)
        if happens is not None:
            happens()
        return Reply(200, {"rows": [{"id": int(asked.params["offset"])}]})

    def busiest(self, seconds: float) -> int:
        """The most requests in any rolling window, its ends included."""
        moments = sorted(self.at)
        first, most = 0, 0
        for last, at in enumerate(moments):
            while at - moments[first] > seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


def settings(origin: str, rate: Rate, folder: Path, *, concurrency: int = 3) -> Path:
    lines = [
        f'[database]\nurl = "sqlite:///{folder / "mirror.db"}"',
        "[daemon]\nspread = false",
        f'[sources.api]\nbase_url = "{origin}"\nconcurrency = {concurrency}',
        f'rate_limit = ["{rate.permits}/{rate.seconds}s", "{rate.permits * 50}/day"]',
        'timeout = "5s"',
    ]
    for name in STREAMS:
        lines += [
            f'[sources.api.streams.{name}]\npath = "/{name}"\nrecords = "rows"\nkey = "id"\norder = "key"',
            'params = { offset = "{offset}", limit = "{size}", sort = "id" }',
            'page = { type = "offset", size = 1 }\nschedule = "1s"',
        ]
    file = folder / "settings.toml"
    file.write_text("\n".join(lines))
    return file


@contextmanager
def serving(api: Api) -> Iterator[str]:
    server = Server(api.answer)
    try:
        yield server.origin
    finally:
        server.close()


def torment(rate: Rate, folder: Path) -> Api:
    """Poll until the server has counted enough, killing the daemon twice and starting it anew."""
    api = Api()
    with serving(api) as origin:
        file = settings(origin, rate, folder)
        for kill in rate.kills:
            with Process(file, "run") as daemon:
                api.on[max(kill, len(api.at) + 2)] = partial(daemon.signal, signal.SIGKILL)
                assert daemon.ended(within=rate.seconds * 3.0) == -signal.SIGKILL
        with Process(file, "run") as daemon:
            until(lambda: len(api.at) >= rate.requests, within=rate.seconds * 4.0)
            daemon.signal(signal.SIGTERM)
            assert daemon.ended() == 0
    return api


def chosen() -> list[Rate]:
    small = Rate(permits=100, seconds=8, requests=150, seed=3)
    asked = os.environ.get(TORTURE)
    return [small] if asked is None else [Rate(permits=1000, seconds=60, requests=1200, seed=int(asked))]


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("rate", chosen(), ids=str)
def test_a_daemon_that_is_killed_twice_never_exceeds_its_rate(rate: Rate, tmp_path: Path) -> None:
    api = torment(rate, tmp_path)

    busiest = api.busiest(rate.seconds)
    took = max(api.at) - min(api.at)
    print(
        f"\n{rate}: killed at {rate.kills}; {len(api.at)} requests in {took:.1f} s, "
        f"at most {busiest} in any window"
    )
    assert rate.permits // 2 < busiest <= rate.permits
    assert len(api.at) >= rate.requests


def test_a_small_rate_is_not_starved_by_what_a_kill_wasted(tmp_path: Path) -> None:
    rate = Rate(permits=2, seconds=1, requests=8, seed=1)
    api = Api()
    with serving(api) as origin:
        file = settings(origin, rate, tmp_path)
        with Process(file, "run") as daemon:
            api.on[3] = partial(daemon.signal, signal.SIGKILL)
            daemon.ended()
        with Process(file, "run") as daemon:
            until(lambda: "polling" in daemon.said)
            begun = time.monotonic()
            until(lambda: len(api.at) >= rate.requests)
            daemon.signal(signal.SIGTERM)
            daemon.ended()

    assert api.busiest(rate.seconds) <= 2
    assert api.at[3] - begun < 3.0
