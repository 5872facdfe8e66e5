"""How much of the quota is used is noted now and then, and never at the cost of a request."""

from __future__ import annotations

from datetime import UTC, datetime

from poller.core.errors import StoreUnavailable
from poller.core.model import Source, UsageHeaders
from poller.core.page import Page, Response
from poller.http.usage import SELDOM, Usage
from tests.http.world import Stage, reply, says

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HEADERS = UsageHeaders(used="X-Used", limit="X-Limit")


class Noted:
    """What a store was told; ``away``: it is gone."""

    def __init__(self, *, away: bool = False) -> None:
        self.rows: list[tuple[str, float | None, float | None]] = []
        self.away = away

    def used(self, source: str, used: float | None, limit: float | None) -> None:
        if self.away:
            raise StoreUnavailable("the database is gone")
        self.rows.append((source, used, limit))


def answer(*headers: tuple[str, str]) -> Response:
    return Response(200, headers, b"", NOON)


def test_what_the_api_says_is_noted(stage: Stage) -> None:
    server = stage.server(says(reply(200, b"[]", "X-Used: 123", "x-limit: 5000")))
    noted = Noted()
    world = stage.world(server.origin, usage=HEADERS, noted=noted)

    world.fetch()

    assert noted.rows == [("shop", 123.0, 5000.0)]


def test_a_store_that_is_away_fails_no_request(stage: Stage) -> None:
    server = stage.server(says(reply(200, b"[]", "X-Used: 123")))
    world = stage.world(server.origin, usage=HEADERS, noted=Noted(away=True))

    assert isinstance(world.fetch(), Page)


def test_it_is_noted_every_few_seconds_at_most_and_at_the_end() -> None:
    now, noted = 100.0, Noted()
    usage = Usage(Source("shop", "http://shop", usage=HEADERS), noted, lambda: now)

    for used in range(100):
        usage.listen(answer(("x-used", str(used))))
        now += SELDOM / 25
    usage.close()
    usage.close()

    assert noted.rows == [("shop", float(used), None) for used in (0, 25, 50, 75, 99)]


def test_what_is_no_number_is_not_noted() -> None:
    noted = Noted()
    usage = Usage(Source("shop", "http://shop", usage=HEADERS), noted)

    for text in ("", "-1", "many", "nan", "1e3", "12 of 100"):
        usage.listen(answer(("x-used", text)))
    usage.close()

    assert noted.rows == []


def test_a_source_without_usage_headers_notes_nothing() -> None:
    noted = Noted()
    usage = Usage(Source("shop", "http://shop"), noted)

    usage.listen(answer(("x-used", "1")))
    usage.close()

    assert noted.rows == []
