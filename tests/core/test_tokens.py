"""Feeds that are moved by an opaque token: nothing is lost, and what a forgotten one hid is listed again."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from poller.core.errors import ScanError
from poller.core.model import Kind, SinceRule, Stream
from poller.core.paging import Pager
from poller.core.path import Path
from poller.core.request import Request, Template
from poller.core.steps import Fetch, NoticeKind
from poller.core.verdict import Again, judge
from poller.pagers.keyset import Keyset
from poller.pagers.next_url import NextUrl
from tests.core.model_feed import ModelFeed
from tests.core.model_memory import Crash, ModelMemory
from tests.core.streams import a_response

PAGERS: dict[str, Pager] = {
    "sync": NextUrl(next=Path("next")),
    "link": NextUrl(next=Path("next")),
    "sequence": Keyset(),
}
STYLES = sorted(PAGERS)


def stream_for(feed: ModelFeed, **changes: object) -> Stream:
    params = () if feed.style == "link" else (("token", "{since}"),)
    stream = Stream(
        source="model",
        name="rows",
        table="rows",
        template=Template("GET", "/rows", params),
        pager=PAGERS[feed.style],
        schedule=None,  # type: ignore[arg-type]
        records=Path("rows"),
        key=(Path("id"),),
        since=SinceRule(kind=Kind.TOKEN, token=Path("token")),
        deleted=Path("gone"),
    )
    return replace(stream, **changes)  # type: ignore[arg-type]


def filled(style: str, rows: int = 11) -> ModelFeed:
    feed = ModelFeed(style)
    for row in range(rows):
        feed.put(row)
    return feed


@pytest.mark.parametrize("style", STYLES)
def test_the_first_poll_lists_everything_and_the_next_ones_what_changed(style: str) -> None:
    feed = filled(style)
    memory = ModelMemory(stream_for(feed))

    memory.poll(feed)
    first = len(feed.requests)
    feed.put(3)
    feed.delete(5)
    feed.put(99)
    memory.poll(feed)

    assert memory.mirror() == feed.truth()
    assert len(feed.requests) - first <= 2
    assert memory.watermark is None
    assert memory.watermark_text is not None


@pytest.mark.parametrize("style", STYLES)
def test_rows_that_change_while_pages_are_read_are_there_after_the_next_poll(style: str) -> None:
    feed = filled(style)
    moves = [lambda: feed.put(1), lambda: feed.delete(8), lambda: feed.put(50), lambda: feed.put(8)]
    feed.before_answer = lambda _feed: moves.pop(0)() if moves and feed.answers else None
    memory = ModelMemory(stream_for(feed))

    memory.poll(feed)
    memory.poll(feed)

    assert memory.mirror() == feed.truth()


@pytest.mark.parametrize("style", STYLES)
def test_a_token_that_the_api_forgot_starts_a_listing_of_everything(style: str) -> None:
    feed = filled(style)
    memory = ModelMemory(stream_for(feed))
    memory.poll(feed)
    feed.put(2)
    feed.put(77)
    feed.forget()

    memory.poll(feed)

    assert {key: version for key, version in memory.mirror().items() if key in feed.truth()} == feed.truth()
    assert NoticeKind.TOKEN_EXPIRED in memory.notices
    assert memory.listings == [True] + [False] * (memory.pages_of_listing - 1)


def test_a_token_that_is_forgotten_in_the_middle_of_a_scan_costs_no_row() -> None:
    feed = filled("sync")
    memory = ModelMemory(stream_for(feed))
    memory.poll(feed)
    for row in range(11):
        feed.put(row)
    at = feed.answers + 1
    feed.before_answer = lambda _feed: feed.forget() if feed.answers == at else None

    memory.poll(feed)

    assert memory.mirror() == feed.truth()


def test_an_api_that_forgets_every_token_is_found_out() -> None:
    feed = filled("sequence")
    feed.before_answer = lambda _feed: feed.forget()
    memory = ModelMemory(stream_for(feed))

    with pytest.raises(ScanError, match="refused its own tokens"):
        memory.poll(feed)


def test_a_scan_that_gives_no_token_is_asked_for_again_and_says_so() -> None:
    feed = filled("sync")
    feed.gives_tokens = False
    memory = ModelMemory(stream_for(feed))

    memory.poll(feed)

    assert memory.watermark_text is None
    assert NoticeKind.TOKEN_MISSING in memory.notices


def test_a_page_of_a_sequence_without_a_token_fails_and_names_the_setting() -> None:
    feed = filled("sequence")
    memory = ModelMemory(stream_for(feed, since=SinceRule(kind=Kind.TOKEN, token=Path("nothing"))))

    with pytest.raises(ScanError, match="gave no token") as caught:
        memory.poll(feed)

    assert "since.token" in (caught.value.hint or "")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("crash_at", range(5))
def test_a_scan_that_is_killed_goes_on_and_misses_nothing(style: str, crash_at: int) -> None:
    feed = filled(style)
    memory = ModelMemory(stream_for(feed), crash_at=crash_at)

    with contextlib.suppress(Crash):
        memory.poll(feed)
    memory.crash_at = None
    feed.put(4)
    feed.delete(6)
    memory.poll(feed)
    memory.poll(feed)

    assert memory.mirror() == feed.truth()


def test_a_sequence_that_shows_its_last_row_again_ends_there() -> None:
    feed = filled("sequence")
    feed.inclusive = True
    memory = ModelMemory(stream_for(feed))

    memory.poll(feed)
    feed.put(3)
    memory.poll(feed)

    assert memory.mirror() == feed.truth()


def test_a_full_page_that_leads_nowhere_fails_and_says_what_to_ask_for() -> None:
    feed = filled("sequence")
    feed.inclusive, feed.limit = True, 1
    memory = ModelMemory(stream_for(feed, pager=Keyset(size=1)))

    with pytest.raises(ScanError, match="the token that it was asked with") as caught:
        memory.poll(feed)

    assert "larger pages" in (caught.value.hint or "")


def test_a_token_that_is_no_text_is_no_page() -> None:
    found = judge(
        stream_for(ModelFeed()), Fetch(Request("GET", "/rows")), a_response('{"rows": [], "token": {}}')
    )

    assert isinstance(found, Again)
    assert "the token is neither text nor a number" in found.reason
