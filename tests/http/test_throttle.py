"""The server's own counts, of what is under way and of what came in any window, stay within bounds."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from poller.core.errors import Category, FetchError, Stopped
from poller.core.model import Window
from poller.http.patience import Patience
from poller.http.throttle import MARGIN, Throttle
from tests.http.world import Asked, Stage, at_most, reply, says


def patience(seconds: float = 60.0, stop: threading.Event | None = None) -> Patience:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return Patience("shop", lambda: datetime.now(UTC), stop or threading.Event(), until)


def test_no_more_requests_are_under_way_than_allowed(stage: Stage) -> None:
    under_way, most, counting = 0, 0, threading.Lock()

    def answer(_: Asked, connection: socket.socket) -> None:
        nonlocal under_way, most
        with counting:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.03)
        with counting:
            under_way -= 1
        connection.sendall(reply())

    server = stage.server(answer)
    world = stage.world(server.origin, concurrency=3)

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda _: world.fetch(), range(24)))

    assert most == 3
    assert len(server.asked) == 24


def test_the_server_never_counts_more_than_the_rate_in_any_window(stage: Stage) -> None:
    server = stage.server(says(reply()))
    rates = (Window(5, timedelta(seconds=0.5)), Window(8, timedelta(seconds=1.2)))
    world = stage.world(server.origin, concurrency=20, rate_limit=rates)

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda _: world.fetch(), range(18)))

    moments = sorted(asked.at for asked in server.asked)
    for rate in rates:
        busiest = max(sum(0 <= other - at <= rate.per.total_seconds() for other in moments) for at in moments)
        assert rate.permits // 2 < busiest <= rate.permits


def test_a_permit_returns_one_window_after_its_response_is_complete() -> None:
    now = 100.0
    throttle = Throttle(5, (Window(1, timedelta(seconds=10)),), lambda: now)
    throttle.take(patience())
    now = 150.0
    throttle.complete()

    now = 160.0 + MARGIN - 0.001
    with pytest.raises(FetchError):
        throttle.take(patience(0.0005))
    now = 160.0 + MARGIN
    throttle.take(patience())


def test_a_request_under_way_counts_however_long_it_takes() -> None:
    now = 0.0
    throttle = Throttle(5, (Window(1, timedelta(seconds=1)),), lambda: now)
    throttle.take(patience())

    now = 1000.0

    with pytest.raises(FetchError, match="every permit to ask is out") as caught:
        throttle.take(patience(0.05))
    assert caught.value.category is Category.RATE_LIMITED


def test_a_permit_that_was_not_used_returns_at_once() -> None:
    throttle = Throttle(1, (Window(1, timedelta(hours=1)),))
    throttle.take(patience())

    throttle.cancel()

    throttle.take(patience(0.05))


def test_a_wait_past_the_budget_is_not_begun() -> None:
    throttle = Throttle(1, (Window(1, timedelta(hours=1)),))
    throttle.take(patience())
    throttle.complete()

    with at_most(0.5), pytest.raises(FetchError, match="3600 s to wait"):
        throttle.take(patience())


def test_a_stop_ends_the_wait_for_a_permit() -> None:
    throttle = Throttle(1, ())
    throttle.take(patience())
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()

    with at_most(1), pytest.raises(Stopped):
        throttle.take(patience(stop=stop))


def test_a_failed_request_gives_its_permit_back(stage: Stage) -> None:
    server = stage.server(says(reply(404), reply(404), reply()))
    world = stage.world(server.origin, concurrency=1)
    for _ in range(2):
        with pytest.raises(FetchError):
            world.fetch()

    world.fetch(budget=1)

    assert len(server.asked) == 3
