"""A request is repeated where that can help, never where it cannot, and never before the server allows it."""

from __future__ import annotations

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from poller.auth.bearer import Bearer
from poller.core.errors import Category, FetchError, Stopped, StoreUnavailable
from poller.core.model import Retry, Secret
from poller.core.page import Page
from poller.core.steps import Declined, Expired
from poller.core.verdict import Again
from poller.http.patience import Patience
from poller.http.retry import Repeat, persist
from tests.http.world import Asked, Stage, StoredHolds, at_most, reply, says, stream

FOUR = Retry(attempts=4, initial=timedelta(seconds=0.05), maximum=timedelta(seconds=0.1), jitter="none")
PATIENT = stream(retry=FOUR)


def test_a_broken_server_that_recovers_brings_its_page(stage: Stage) -> None:
    html = reply(503, b"<html>sorry</html>", "Content-Type: text/html")
    server = stage.server(says(html, reply(502), reply(200, b"half a docu"), reply()))
    world = stage.world(server.origin)

    page = world.fetch(asks=PATIENT)

    assert isinstance(page, Page)
    assert [(attempt.number, attempt.status) for attempt in world.attempts] == [
        (1, 503),
        (2, 502),
        (3, 200),
        (4, 200),
    ]


def test_a_broken_connection_is_tried_again(stage: Stage) -> None:
    left = ["break", "break"]

    def answer(_: Asked, connection: socket.socket) -> None:
        if left:
            left.pop()
            connection.close()
        else:
            connection.sendall(reply())

    world = stage.world(stage.server(answer).origin)

    page = world.fetch(asks=PATIENT)

    assert isinstance(page, Page)
    assert [attempt.error is None for attempt in world.attempts] == [False, False, True]


def test_the_last_failure_is_reported_when_the_attempts_are_used_up(stage: Stage) -> None:
    server = stage.server(says(reply(500, b"no", "X-Request-ID: abc")))
    world = stage.world(server.origin, request_id_header="X-Request-ID")

    with pytest.raises(FetchError, match=r"HTTP 500: no \(request ID abc\) \(gave up after 4 of 4") as caught:
        world.fetch(asks=PATIENT)

    assert (caught.value.category, caught.value.status, caught.value.request_id) == (
        Category.SERVER,
        500,
        "abc",
    )
    assert len(server.asked) == 4
    assert [attempt.request_id for attempt in world.attempts] == ["abc"] * 4


def test_the_body_of_a_page_that_is_none_is_kept(stage: Stage) -> None:
    server = stage.server(says(reply(200, b"<html>login</html>")))
    world = stage.world(server.origin)

    with pytest.raises(FetchError) as caught:
        world.fetch()

    assert (caught.value.category, caught.value.body) == (Category.SHAPE, b"<html>login</html>")


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_request_that_is_refused_is_sent_once(stage: Stage, status: int) -> None:
    server = stage.server(says(reply(status)))
    world = stage.world(server.origin)

    with pytest.raises(FetchError) as caught:
        world.fetch(asks=PATIENT)

    assert caught.value.hint is not None
    assert len(server.asked) == 1


def pauses(rule: Retry) -> list[float]:
    """The seconds that a request which always fails waits between its attempts."""
    asked: list[float] = []

    class Patient(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            asked.append(timeout or 0.0)
            return False

    def never() -> None:
        raise Repeat(FetchError(Category.SERVER, "no"), held=False)

    until = datetime.now(UTC) + timedelta(hours=1)
    with pytest.raises(FetchError, match=f"{rule.attempts} of {rule.attempts}"):
        persist(rule, Patience("shop", lambda: datetime.now(UTC), Patient(), until), never)
    return asked


def test_backoff_grows_up_to_its_maximum() -> None:
    rule = Retry(attempts=6, maximum=timedelta(seconds=5), jitter="none")

    assert pauses(rule) == [1, 2, 4, 5, 5]


def test_full_jitter_stays_below_the_backoff() -> None:
    waits = pauses(Retry(attempts=40, maximum=timedelta(seconds=8)))

    assert waits[0] <= 1
    assert waits[1] <= 2
    assert all(0 <= wait <= 8 for wait in waits)
    assert len({round(wait, 3) for wait in waits[5:]}) > 20


def test_a_backoff_that_reaches_past_the_budget_is_not_slept(stage: Stage) -> None:
    server = stage.server(says(reply(500)))
    world = stage.world(server.origin)
    slow = Retry(attempts=5, initial=timedelta(seconds=30), jitter="none")

    with at_most(1), pytest.raises(FetchError, match="1 of 5 attempts: the run's budget ends") as caught:
        world.fetch(asks=stream(retry=slow), budget=5)

    assert caught.value.category is Category.SERVER


def test_a_stop_ends_a_backoff_at_once(stage: Stage) -> None:
    server = stage.server(says(reply(500)))
    world = stage.world(server.origin)
    threading.Timer(0.2, world.stop.set).start()
    slow = Retry(attempts=5, initial=timedelta(seconds=30), jitter="none")

    with at_most(1), pytest.raises(Stopped):
        world.fetch(asks=stream(retry=slow))


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_obeyed(stage: Stage, status: int) -> None:
    server = stage.server(says(reply(status, b"", "Retry-After: 1"), reply()))
    world = stage.world(server.origin)

    page = world.fetch(asks=PATIENT)

    assert isinstance(page, Page)
    assert 1.0 <= server.asked[1].at - server.asked[0].at < 1.4
    assert world.holds.reasons == [f"HTTP {status} asked for 1 s"]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_as_a_date_is_relative_to_the_clock_of_the_server(stage: Stage, status: int) -> None:
    years_behind = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    date = format_datetime(years_behind, usegmt=True)
    then = format_datetime(years_behind + timedelta(seconds=1), usegmt=True)
    server = stage.server(says(reply(status, b"", f"Date: {date}", f"Retry-After: {then}"), reply()))
    world = stage.world(server.origin)

    world.fetch(asks=PATIENT)

    assert 1.0 <= server.asked[1].at - server.asked[0].at < 1.4


def test_retry_after_zero_names_no_time_and_leaves_the_backoff(stage: Stage) -> None:
    server = stage.server(says(reply(429, b"", "Retry-After: 0"), reply()))
    world = stage.world(server.origin)

    world.fetch(asks=PATIENT)

    assert server.asked[1].at - server.asked[0].at >= 0.05
    assert world.holds.reasons == []


def test_a_hold_is_committed_before_anybody_waits(stage: Stage) -> None:
    server = stage.server(says(reply(429, b"", "Retry-After: 1"), reply()))
    world = stage.world(server.origin)

    world.fetch(asks=PATIENT)

    assert world.holds.placed_at[0] - server.asked[0].at < 0.3


def test_a_hold_binds_every_stream_of_the_source(stage: Stage) -> None:
    server = stage.server(says(reply(429, b"", "Retry-After: 1"), reply()))
    world = stage.world(server.origin)
    first = threading.Thread(target=world.fetch, kwargs={"asks": PATIENT})
    first.start()
    while not world.holds.until:
        time.sleep(0.01)

    world.fetch(asks=stream("others"))
    first.join()

    assert min(asked.at for asked in server.asked[1:]) - server.asked[0].at >= 1.0


def test_a_page_may_ask_for_a_pause_too(stage: Stage) -> None:
    server = stage.server(says(reply(200, b"[]", "Retry-After: 1")))
    world = stage.world(server.origin)

    page = world.fetch()
    world.fetch()

    assert isinstance(page, Page)
    assert server.asked[1].at - server.asked[0].at >= 1.0


def test_a_hold_that_was_stored_by_another_process_is_obeyed(stage: Stage) -> None:
    server = stage.server(says(reply()))
    world = stage.world(server.origin)
    until = datetime.now(UTC) + timedelta(seconds=0.5)
    world.holds.hold("shop", until, "an earlier life")

    world.fetch()

    assert world.attempts[0].sent_at >= until


def test_a_wait_past_the_budget_is_not_slept(stage: Stage) -> None:
    server = stage.server(says(reply(503, b"", "Retry-After: 3600", "X-Request-ID: r9")))
    world = stage.world(server.origin, request_id_header="X-Request-ID")

    with at_most(1), pytest.raises(FetchError) as caught:
        world.fetch(asks=PATIENT)
    with at_most(1), pytest.raises(FetchError, match="Retry-After") as after:
        world.fetch(asks=PATIENT)

    assert (caught.value.category, caught.value.status, caught.value.request_id) == (
        Category.RATE_LIMITED,
        503,
        "r9",
    )
    assert after.value.category is Category.RATE_LIMITED
    assert len(server.asked) == 1


def test_a_refusal_that_asks_for_a_pause_leaves_a_hold(stage: Stage) -> None:
    server = stage.server(says(reply(403, b"", "Retry-After: 60")))
    world = stage.world(server.origin)

    with pytest.raises(FetchError) as caught:
        world.fetch()

    assert caught.value.category is Category.FORBIDDEN
    assert world.holds.until["shop"] > datetime.now(UTC) + timedelta(seconds=50)


def test_a_stop_ends_a_hold_at_once(stage: Stage) -> None:
    server = stage.server(says(reply(429, b"", "Retry-After: 30")))
    world = stage.world(server.origin)
    threading.Timer(0.2, world.stop.set).start()

    with at_most(1), pytest.raises(Stopped):
        world.fetch(asks=PATIENT)


def test_a_hold_that_cannot_be_committed_is_obeyed_by_ourselves(stage: Stage) -> None:
    class Locked(StoredHolds):
        def hold(self, source: str, until: datetime, reason: str) -> None:
            raise StoreUnavailable(f"database is locked: {source} {until} {reason}")

    server = stage.server(says(reply(429, b"", "Retry-After: 30"), reply()))
    world = stage.world(server.origin, holds=Locked())

    with pytest.raises(StoreUnavailable):
        world.fetch(asks=PATIENT)
    with at_most(1), pytest.raises(FetchError, match="Retry-After"):
        world.fetch(asks=PATIENT, budget=5)

    assert len(server.asked) == 1


def test_an_expired_cursor_and_a_declined_request_are_answers_not_errors(stage: Stage) -> None:
    server = stage.server(says(reply(410, b"cursor t0p-secret is gone"), reply(400, b"")))
    world = stage.world(server.origin, auth=Bearer(token=Secret("t0p-secret")))

    expired = world.fetch(mid_scan=True)
    declined = world.fetch(optional=True)

    assert expired == Expired("HTTP 410: cursor *** is gone")
    assert declined == Declined("HTTP 400")


def test_a_wait_that_only_the_body_asks_for_binds_the_source_too(stage: Stage) -> None:
    server = stage.server(says(reply()))
    world = stage.world(server.origin)
    verdicts = [Again(Category.RATE_LIMITED, "come back later", wait=0.5), Declined("enough")]

    answer = world.fetch(asks=PATIENT, judge=lambda _: verdicts.pop(0))

    assert answer == Declined("enough")
    assert server.asked[1].at - server.asked[0].at >= 0.5
    assert world.holds.reasons == ["HTTP 200 asked for 0.5 s"]


def test_a_hold_placed_while_waiting_for_a_permit_is_obeyed(stage: Stage) -> None:
    arrived = threading.Event()

    def answer(_: Asked, connection: socket.socket) -> None:
        if not arrived.is_set():
            arrived.set()
            time.sleep(0.2)
            connection.sendall(reply(429, b"", "Retry-After: 1"))
        connection.sendall(reply())

    server = stage.server(answer)
    world = stage.world(server.origin, concurrency=1)
    first = threading.Thread(target=world.fetch, kwargs={"asks": PATIENT})
    first.start()
    arrived.wait()

    world.fetch(asks=stream("others"))
    first.join()

    assert min(asked.at for asked in server.asked[1:]) - server.asked[0].at >= 1.2


def test_holds_that_cannot_be_read_stop_the_request_and_cost_no_permit(stage: Stage) -> None:
    class Gone(StoredHolds):
        looks = 0

        def not_before(self, source: str) -> datetime | None:
            self.looks += 1
            if self.looks == 2:
                raise StoreUnavailable(f"the database of {source} is gone")
            return None

    world = stage.world(stage.server(says(reply())).origin, holds=Gone(), concurrency=1)
    with pytest.raises(StoreUnavailable):
        world.fetch()

    page = world.fetch(budget=1)

    assert isinstance(page, Page)


def test_a_page_that_says_that_no_request_is_left_keeps_every_stream_away(stage: Stage) -> None:
    none_left = ("X-RateLimit-Limit: 100", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1")
    server = stage.server(says(reply(200, b"[]", *none_left), reply()))
    world = stage.world(server.origin)

    page = world.fetch()
    world.fetch(asks=stream("others"))

    assert isinstance(page, Page)
    assert server.asked[1].at - server.asked[0].at >= 1.0
    assert world.holds.reasons == ["HTTP 200 left no request for 1 s (x-ratelimit-reset)"]


def test_a_429_without_retry_after_is_repeated_when_its_reset_is_over(stage: Stage) -> None:
    server = stage.server(says(reply(429, b"", 'RateLimit: "burst";r=0;t=1, "day";r=9;t=9000'), reply()))
    world = stage.world(server.origin)

    page = world.fetch(asks=PATIENT)

    assert isinstance(page, Page)
    assert 1.0 <= server.asked[1].at - server.asked[0].at < 1.4


def test_a_reset_past_the_budget_ends_the_request_as_rate_limited(stage: Stage) -> None:
    server = stage.server(says(reply(429, b"", "X-Rate-Limit-Remaining: 0", "X-Rate-Limit-Reset: 3600")))
    world = stage.world(server.origin)

    with at_most(1), pytest.raises(FetchError) as caught:
        world.fetch(asks=PATIENT)

    assert caught.value.category is Category.RATE_LIMITED
    assert len(server.asked) == 1
    assert world.holds.until["shop"] > datetime.now(UTC) + timedelta(seconds=3500)


def test_rate_headers_that_are_garbage_hold_nobody_back(stage: Stage) -> None:
    server = stage.server(says(reply(200, b"[]", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: soon")))
    world = stage.world(server.origin)

    with at_most(1):
        world.fetch()
        world.fetch()

    assert world.holds.reasons == []
