"""The server's own counts, of what is under way and of what came in any window, stay within bounds."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from poller.core.errors import Category, FetchError, Stopped, StoreUnavailable
from poller.core.model import Window
from poller.core.page import Page
from poller.core.permits import Ended, Grant, Tick, span
from poller.http.patience import Patience
from poller.http.permits import PassingPermits
from poller.http.throttle import USE, Throttle
from poller.http.ticks import tick
from tests.http.world import Asked, Stage, at_most, reply, says, stream


def patience(seconds: float = 60.0, stop: threading.Event | None = None) -> Patience:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return Patience("shop", lambda: datetime.now(UTC), stop or threading.Event(), until)


def test_no_more_requests_are_under_way_than_allowed(stage: Stage) -> None:
    def answer(_: Asked, connection: socket.socket) -> None:
        time.sleep(0.03)
        connection.sendall(reply())

    server = stage.server(answer)
    world = stage.world(server.origin, concurrency=3)

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda _: world.fetch(), range(24)))

    assert server.most_at_once == 3
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


TEN_SECONDS = Window(1, timedelta(seconds=10))


class Clock:
    """A steady clock that only the test moves."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> Tick:
        return Tick("b1", self.now)


class Account(PassingPermits):
    """Permits as a database keeps them, with what was asked of it; ``away``: it is gone."""

    def __init__(self, ticks: Callable[[], Tick] = tick) -> None:
        super().__init__(ticks)
        self.asked: list[int] = []
        self.away = False

    def reserve(
        self, source: str, windows: Sequence[Window], want: int, lasting: float, ended: Sequence[Ended]
    ) -> Grant:
        if self.away:
            raise StoreUnavailable(f"the database of {source} is gone")
        self.asked.append(want)
        return super().reserve(source, windows, want, lasting, ended)


def throttled(*windows: Window, concurrency: int = 5, clock: Callable[[], Tick] = tick) -> Throttle:
    return Throttle("shop", concurrency, windows, PassingPermits(clock), clock)


def test_a_permit_returns_one_window_after_its_response_is_complete() -> None:
    clock = Clock()
    throttle = throttled(TEN_SECONDS, clock=clock)
    permit = throttle.take(patience(), 100)
    clock.now = 150.0
    throttle.complete(permit)

    clock.now = 150.0 + span(TEN_SECONDS) - 0.001
    with pytest.raises(FetchError):
        throttle.take(patience(0.0005), 2)
    clock.now = 150.0 + span(TEN_SECONDS)
    throttle.take(patience(), 2)


def test_a_request_under_way_counts_however_long_it_takes() -> None:
    clock = Clock()
    throttle = throttled(TEN_SECONDS, clock=clock)
    throttle.take(patience(), 2)

    clock.now += 1000.0

    with pytest.raises(FetchError, match="every permit to ask is out") as caught:
        throttle.take(patience(0.05), 2)
    assert caught.value.category is Category.RATE_LIMITED


def test_a_permit_that_was_not_used_returns_at_once() -> None:
    throttle = throttled(Window(1, timedelta(hours=1)), concurrency=1)
    permit = throttle.take(patience(), 2)

    throttle.cancel(permit)

    throttle.take(patience(0.05), 2)


def test_a_wait_past_the_budget_is_not_begun() -> None:
    throttle = throttled(Window(1, timedelta(hours=1)), concurrency=1)
    throttle.complete(throttle.take(patience(), 2))

    with at_most(0.5), pytest.raises(FetchError, match="3604 s to wait"):
        throttle.take(patience(), 2)


def test_a_stop_ends_the_wait_for_a_permit() -> None:
    throttle = throttled(concurrency=1)
    throttle.take(patience(), 2)
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()

    with at_most(1), pytest.raises(Stopped):
        throttle.take(patience(stop=stop), 2)


def test_a_stop_gives_back_the_permit_that_was_free() -> None:
    throttle = throttled(Window(1, timedelta(hours=1)))
    stop = threading.Event()
    stop.set()

    with pytest.raises(Stopped):
        throttle.take(patience(stop=stop), 2)

    throttle.take(patience(0.05), 2)


def test_a_source_without_a_rate_limit_asks_for_no_permits() -> None:
    account = Account()
    throttle = Throttle("shop", 2, (), account)

    throttle.complete(throttle.take(patience(), 2))
    throttle.close()

    assert account.asked == []


def test_blocks_grow_while_they_are_used_up_fast_and_shrink_again() -> None:
    clock = Clock()
    account = Account(clock)
    throttle = Throttle("shop", 5, (Window(1000, timedelta(minutes=1)),), account, clock)

    for _ in range(200):
        throttle.complete(throttle.take(patience(), 2))
    fast, account.asked = account.asked, []
    for _ in range(200):
        clock.now += 30.0
        throttle.complete(throttle.take(patience(), 2))

    assert fast == [1, 2, 4, 8, 16, 32, 50, 50, 50]
    assert account.asked[:6] == [25, 12, 6, 3, 1, 1]


def test_a_small_rate_is_reserved_one_by_one() -> None:
    clock = Clock()
    account = Account(clock)
    throttle = Throttle("shop", 5, (Window(2, timedelta(seconds=1)),), account, clock)

    for _ in range(20):
        throttle.complete(throttle.take(patience(), 2))
        clock.now += 0.6

    assert set(account.asked) == {1}


def test_a_block_is_not_used_when_the_request_could_outlast_it() -> None:
    clock = Clock()
    account = Account(clock)
    throttle = Throttle("shop", 5, (Window(1000, timedelta(minutes=1)),), account, clock)
    for _ in range(4):
        throttle.complete(throttle.take(patience(), 30))
    assert account.asked == [1, 2, 4]

    clock.now += USE + 0.1
    throttle.complete(throttle.take(patience(), 30))
    assert account.asked == [1, 2, 4, 2]
    throttle.complete(throttle.take(patience(), 300))

    assert account.asked == [1, 2, 4, 2, 1]


def test_permits_that_were_not_used_go_back_when_the_throttle_closes() -> None:
    clock = Clock()
    account = Account(clock)
    limit = (Window(100, timedelta(hours=1)),)
    first = Throttle("shop", 5, limit, account, clock)
    for _ in range(4):
        first.complete(first.take(patience(), 2))
    first.close()

    granted = account.reserve("shop", limit, 100, 2.0, [])

    assert granted.permits == 96


def test_a_request_whose_permit_cannot_be_kept_is_not_sent(stage: Stage) -> None:
    server = stage.server(says(reply()))
    account = Account()
    world = stage.world(
        server.origin, permits=account, rate_limit=(Window(2, timedelta(seconds=0.5)),), concurrency=1
    )
    account.away = True

    with pytest.raises(StoreUnavailable):
        world.fetch()

    assert server.asked == []
    account.away = False
    assert isinstance(world.fetch(), Page)


def test_all_streams_of_a_source_share_its_concurrency_and_its_rates(stage: Stage) -> None:
    server = stage.server(says(reply()))
    rate = Window(10, timedelta(seconds=1))
    world = stage.world(server.origin, concurrency=2, rate_limit=(rate,))
    streams = [stream(f"stream{number}") for number in range(6)]

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda number: world.fetch(asks=streams[number % 6]), range(24)))

    moments = sorted(asked.at for asked in server.asked)
    busiest = max(sum(0 <= other - at <= 1.0 for other in moments) for at in moments)
    assert busiest <= 10
    assert server.most_at_once <= 2
    assert {attempt.status for attempt in world.attempts} == {200}


def test_a_failed_request_gives_its_permit_back(stage: Stage) -> None:
    server = stage.server(says(reply(404), reply(404), reply()))
    world = stage.world(server.origin, concurrency=1)
    for _ in range(2):
        with pytest.raises(FetchError):
            world.fetch()

    world.fetch(budget=1)

    assert len(server.asked) == 3
