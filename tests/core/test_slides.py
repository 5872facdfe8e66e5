"""Rows that slide further than a page, orders that were found out, numbers below zero: nothing is lost."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable

import pytest

from poller.core.errors import ScanError
from poller.core.model import Kind, SinceRule
from poller.core.paging import Pager
from poller.core.path import Path
from poller.core.position import SECOND
from poller.core.request import Template
from poller.core.steps import NoticeKind
from poller.pagers.offset import Offset
from poller.pagers.page import PageNumber
from tests.core.model_api import ModelApi
from tests.core.model_feed import ModelFeed
from tests.core.model_memory import Crash, ModelMemory
from tests.core.test_scan import fill, stream_for
from tests.core.test_tokens import stream_for as feed_stream_for


def each_of(move: Callable[[int], None], numbers: Iterable[int]) -> None:
    for number in numbers:
        move(number)


def at_answer(api: ModelApi, number: int, move: Callable[[], None]) -> None:
    """Do ``move`` once, in front of the answer with that number."""
    moves = [move]

    def moving(_api: ModelApi) -> None:
        if moves and api.answers >= number:
            moves.pop()()

    api.before_answer = moving


@pytest.mark.parametrize("at", range(2, 14))
@pytest.mark.parametrize("kind", ["timestamp", "integer"])
def test_a_first_load_by_page_numbers_survives_a_change_of_more_rows_than_a_page_holds(
    at: int, kind: str
) -> None:
    api = ModelApi(paging="page", kind=kind)
    fill(api, 70, 0)
    at_answer(api, at, lambda: each_of(api.update, range(1, 26)))
    memory = ModelMemory(stream_for(api))

    memory.poll(api)
    api.tick(5 * SECOND)
    memory.poll(api)

    assert memory.mirror() == api.truth()


@pytest.mark.parametrize("sort", ["key", "desc"])
@pytest.mark.parametrize("at", range(2, 14))
def test_more_deleted_rows_than_a_page_holds_hide_no_row_behind_them(sort: str, at: int) -> None:
    api = ModelApi(paging="page", sort=sort)
    fill(api, 70, 0)
    front = range(1, 26) if sort == "key" else range(46, 71)
    at_answer(api, at, lambda: each_of(api.delete, front))
    memory = ModelMemory(stream_for(api))

    memory.poll(api)

    assert {key: memory.mirror().get(key) for key in api.truth()} == api.truth()


@pytest.mark.parametrize("crash_at", range(1, 12))
def test_numbered_pages_that_slid_away_between_two_runs_are_read_again(crash_at: int) -> None:
    api = ModelApi(paging="page", sort="key")
    fill(api, 70, 0)
    memory = ModelMemory(stream_for(api), crash_at=crash_at)
    with contextlib.suppress(Crash):
        memory.poll(api)
    for number in range(1, 16):
        api.delete(number)

    memory.poll(api)

    assert {key: memory.mirror().get(key) for key in api.truth()} == api.truth()


def test_numbered_pages_that_do_not_move_are_read_once_more_and_not_a_third_time() -> None:
    api = ModelApi(paging="page", counts="pages")
    fill(api, 70, 0)
    memory = ModelMemory(stream_for(api))

    memory.poll(api)

    assert len(api.requests) == 2 * 7


@pytest.mark.parametrize("seed", range(8))
def test_where_ties_are_unstable_the_second_leg_reads_all_pages_whatever_the_first_has_counted(
    seed: int,
) -> None:
    api = ModelApi(paging="page", ties="shuffled", counts="total", seed=seed)
    fill(api, 60, 25)
    memory = ModelMemory(stream_for(api))

    memory.poll(api)

    assert memory.mirror() == api.truth()


@pytest.mark.parametrize("seed", range(6))
def test_a_cursor_that_expires_after_the_order_was_found_out_does_not_move_since(seed: int) -> None:
    api = ModelApi(paging="keyset_cursor")
    fill(api, 20, 0)
    memory = ModelMemory(stream_for(api))
    memory.poll(api)
    dice = random.Random(seed)
    api.sort = "key"  # the API stops sorting as it was asked to
    for _ in range(60):
        api.tick(SECOND)
        api.insert()
    for _ in range(40):
        api.tick(SECOND)
        api.update(dice.randint(1, 70))
    begun = api.answers
    at_answer(api, begun + 2 + seed, lambda: setattr(api, "dead_cursors", True))

    memory.poll(api)

    assert NoticeKind.CURSOR_EXPIRED in memory.notices
    assert memory.mirror() == api.truth()


def test_numbers_below_zero_are_asked_for() -> None:
    api = ModelApi(kind="integer")
    api.sequence = -50
    for _ in range(10):
        api.insert()
    memory = ModelMemory(stream_for(api))
    memory.poll(api)
    for _ in range(3):
        api.insert()

    memory.poll(api)

    assert memory.mirror() == api.truth()


class NumberedFeed(ModelFeed):
    """Changes since a token, by row number or page number: what changes again moves to the end."""

    def _page(self, since: int | None, begin: int, upto: int) -> dict[str, object]:
        del upto
        listing = (
            list(self.rows.items())
            if since is None
            else [(row, version) for _, row, version in self._latest(since)]
        )
        shown = [self._shown(*each) for each in listing[begin : begin + self.limit]]
        return {"rows": shown, "token": self._token(len(self.log))}


@pytest.mark.parametrize(
    ("pager", "param"),
    [(Offset(size=4), "{offset}"), (PageNumber(size=4, first=0), "{page}")],
    ids=["offset", "page"],
)
@pytest.mark.parametrize("seed", range(6))
def test_changes_since_a_token_that_are_paged_by_numbers_are_read_until_they_agree(
    pager: Pager, param: str, seed: int
) -> None:
    feed = NumberedFeed(limit=4)
    if param == "{page}":
        feed.limit = 1  # a page number is a row number then
    for row in range(12):
        feed.put(row)
    stream = feed_stream_for(
        feed,
        pager=pager,
        template=Template("GET", "/rows", (("token", "{since}"), ("page", param))),
        since=SinceRule(kind=Kind.TOKEN, token=Path("token")),
    )
    memory = ModelMemory(stream)
    memory.poll(feed)
    for row in range(12):
        feed.put(row)
    dice = random.Random(seed)
    feed.before_answer = lambda _feed: feed.put(dice.randrange(12)) if dice.random() < 0.2 else None

    with contextlib.suppress(ScanError):  # said aloud, and asked for again
        memory.poll(feed)
    feed.before_answer = lambda _feed: None
    memory.poll(feed)

    assert memory.mirror() == feed.truth()


def test_an_api_that_ignores_the_page_number_is_found_out() -> None:
    api = ModelApi(paging="page", sort="key")
    fill(api, 60, 0)
    api.ignores_offset = True
    memory = ModelMemory(stream_for(api))

    with pytest.raises(ScanError, match="brought the same 10 rows as a page before it") as caught:
        memory.poll(api)

    assert "page.pages or page.total" in (caught.value.hint or "")
