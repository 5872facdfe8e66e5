"""Corners of the scan rules: empty APIs, listings that grow, refused sizes, records ahead of the clock."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from string import ascii_lowercase

import pytest

from poller.core.errors import Category, FetchError, ScanError, SettingsError
from poller.core.model import SinceRule
from poller.core.page import Reject, Response
from poller.core.position import SECOND
from poller.core.records import read_record
from poller.core.request import Request
from poller.core.scan.progress import resume, without_cursor
from poller.core.tolerant import cut
from poller.core.window import plan_window
from tests.core.model_api import BEGIN, ModelApi, Row
from tests.core.model_memory import ModelMemory
from tests.core.streams import a_response, a_stream
from tests.core.test_scan import fill, stream_for


@pytest.mark.parametrize(
    "paging", ["offset", "keyset_cursor", "offset_cursor", "next_url", "after_key", "none"]
)
def test_an_api_without_a_record_is_read_in_one_request(paging: str) -> None:
    api = ModelApi(paging=paging)
    memory = ModelMemory(stream_for(api))

    memory.poll(api)

    assert memory.mirror() == {}
    assert memory.fetches == 1
    assert memory.watermark is None


@pytest.mark.parametrize("sort", ["key", "insertion", "asc"])
def test_a_listing_that_grows_faster_than_it_is_read_is_read_to_an_end(sort: str) -> None:
    api = ModelApi(paging="offset", sort=sort)
    fill(api, 60, 0)

    def grow(moving: ModelApi) -> None:
        moving.tick(SECOND)
        for _ in range(2):
            moving.insert()

    api.before_answer = grow
    memory = ModelMemory(stream_for(api))

    memory.poll(api)

    assert {str(number) for number in range(1, 61)} <= set(memory.mirror())
    assert len(api.requests) < 120
    assert memory.watermark is not None


def _refusing_larger_pages_than(limit: int, api: ModelApi) -> None:
    answer = api.answer

    def refusing(request: Request) -> Response:
        if int(dict(request.params)["limit"]) > limit:
            return a_response('{"error": "limit is too large"}', 422)
        return answer(request)

    api.answer = refusing  # type: ignore[method-assign]


def test_the_largest_page_that_is_not_refused_is_found_below_one_that_is() -> None:
    api = ModelApi(paging="keyset_cursor")
    fill(api, 80, 35)
    _refusing_larger_pages_than(45, api)
    memory = ModelMemory(stream_for(api, since=SinceRule(start=BEGIN - 90_000 * SECOND)))

    memory.poll(api)

    sizes = [int(dict(request.params)["limit"]) for request in api.requests]
    assert memory.mirror() == api.truth()
    assert max(sizes) == 40


def test_unstable_ties_fail_when_every_larger_page_is_refused() -> None:
    api = ModelApi(paging="offset", ties="shuffled")
    fill(api, 80, 35)
    _refusing_larger_pages_than(10, api)
    memory = ModelMemory(stream_for(api, since=SinceRule(start=BEGIN - 90_000 * SECOND)))

    with pytest.raises(ScanError, match="order changes between requests"):
        memory.poll(api)

    assert memory.watermark is None


def test_a_keyset_scan_is_not_stopped_by_a_full_page_that_ends_ahead_of_the_clock() -> None:
    api = ModelApi(paging="none")
    fill(api, 9, 0)
    api.insert(at=BEGIN + 10**6 * SECOND)
    memory = ModelMemory(stream_for(api))

    memory.poll(api)
    memory.poll(api)

    assert memory.mirror() == api.truth()


def test_a_keyset_group_that_fills_a_larger_page_climbs_on() -> None:
    api = ModelApi(paging="none")
    fill(api, 200, 150)
    memory = ModelMemory(stream_for(api))

    memory.poll(api)

    assert memory.mirror() == api.truth()
    assert max(int(dict(request.params)["limit"]) for request in api.requests) == 640


def test_rows_that_come_in_behind_a_tie_group_again_and_again_are_not_taken_for_its_end() -> None:
    api = ModelApi(paging="none", cap=5)
    fill(api, 40, 9)
    memory = ModelMemory(stream_for(api))

    with pytest.raises(ScanError, match="more records share the position"):
        memory.poll(api)

    assert memory.watermark is None


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_a_cursor_that_only_brings_errors_is_given_up(sort: str) -> None:
    api = ModelApi(paging="keyset_cursor", sort=sort, cap=5)
    fill(api, 60, 12)
    memory = ModelMemory(stream_for(api), crash_at=6)
    with contextlib.suppress(Exception):
        memory.poll(api)
    assert memory.checkpoint is not None
    scan = plan_window(memory.stream, "same", api.clock(), watermark=None)
    assert resume(scan, memory.checkpoint).place.cursor is not None

    given_up = without_cursor(scan, memory.checkpoint, "HTTP 500")

    assert given_up is not None
    assert resume(scan, given_up).place.cursor is None
    assert without_cursor(scan, given_up, "HTTP 500") is None
    memory.checkpoint = given_up
    memory.poll(api)
    assert memory.mirror() == api.truth()


def test_a_poisoned_record_is_named_by_its_key_where_that_can_be_read() -> None:
    named = read_record(a_stream(), b'{"id": 7, "x": NaN}')
    nameless = read_record(a_stream(), b'{"id": 7, "x": ' + b"[" * 100_000)

    assert isinstance(named, Reject)
    assert named.key == "7"
    assert isinstance(nameless, Reject)
    assert nameless.key is None


def test_a_page_that_is_no_object_holds_no_records_below_a_name() -> None:
    assert cut(b"[NaN]", ("rows",)).rows is None


def test_a_stream_is_called_by_its_source_and_name() -> None:
    assert str(a_stream()) == "crm.calls"


def test_a_settings_error_names_its_place_as_far_as_it_has_one() -> None:
    whole = SettingsError("unknown key", file="settings.toml", line=3, column=5, key="daemon.workrs")

    assert str(whole) == "settings.toml:3:5: daemon.workrs: unknown key"
    assert str(SettingsError("is not set")) == "is not set"


def test_a_lookback_lowers_only_what_is_sent() -> None:
    api = ModelApi(paging="offset")
    fill(api, 30, 0)
    memory = ModelMemory(stream_for(api, since=SinceRule(lookback=timedelta(hours=1))))
    memory.poll(api)
    before = memory.watermark

    memory.poll(api)

    assert memory.watermark == before
    assert memory.total == replace(memory.total, updated=0)


def test_a_keyset_group_that_a_server_cuts_short_is_doubted_and_then_refused() -> None:
    api = ModelApi(paging="none", cap=5)
    for _ in range(8):
        api.insert(at=BEGIN - 100 * SECOND)
    api.insert(at=BEGIN - 50 * SECOND)
    memory = ModelMemory(stream_for(api))

    with pytest.raises(ScanError, match="more records share the position"):
        memory.poll(api)

    assert memory.watermark is None


def test_the_tolerant_reader_looks_below_names_that_hold_no_object() -> None:
    assert cut(b'{"rows": 7, "bad": NaN}', ("rows",)).rows is None
    assert cut(b'{"rows": 7, "bad": NaN}', ("rows", "inner")).rows is None
    assert cut(b'{"rows": [1], "bad": NaN}', ("rows", "inner")).rows is None


def test_a_fetch_error_carries_what_the_engine_needs() -> None:
    error = FetchError(Category.SHAPE, "no page", status=200, request_id="r1", body=b"<html>", hint="look")

    assert (error.category, error.status, error.request_id, error.body) == (
        Category.SHAPE,
        200,
        "r1",
        b"<html>",
    )
    assert (str(error), error.hint) == ("no page", "look")


def test_a_last_tie_group_as_long_as_the_pages_that_a_server_cuts_fails_instead_of_being_cut() -> None:
    api = ModelApi(paging="none", cap=9)
    fill(api, 18, 9)
    memory = ModelMemory(stream_for(api))

    with pytest.raises(ScanError, match="more records share the position"):
        memory.poll(api)

    assert memory.watermark is None


def test_a_keyset_scan_asks_behind_a_tie_group_that_a_capped_first_page_may_have_cut() -> None:
    api = ModelApi(paging="none", cap=7, now=BEGIN - 60 * SECOND)
    for _ in range(9):
        api.insert()
    for _ in range(5):
        api.tick(SECOND)
        api.insert()
    api.now = BEGIN
    memory = ModelMemory(stream_for(api))

    with pytest.raises(ScanError, match="more records share the position"):
        memory.poll(api)

    assert memory.watermark is None


@dataclass
class SealedApi(ModelApi):
    """Its cursors are row numbers, and nothing in them shows it."""

    sealed: dict[str, int] = field(default_factory=dict)

    def _cursor(self, rows: list[Row], end: int) -> str:
        token = "".join(self.rng.choices(ascii_lowercase, k=12))
        self.sealed[token] = end
        return token

    def _begin(self, listing: list[Row], params: dict[str, str]) -> int:
        return self.sealed[params["cursor"]] if "cursor" in params else 0


def delete_what_was_read(api: ModelApi) -> None:
    """In front of the fourth answer: the rows behind slide towards the front."""
    if api.answers == 3:
        for number in (1, 2, 3):
            api.delete(number)


@pytest.mark.parametrize(
    "api",
    [
        pytest.param(SealedApi(paging="offset_cursor"), id="a row number sealed in a cursor, ascending"),
        pytest.param(ModelApi(paging="offset", sort="insertion"), id="row numbers, in no order"),
    ],
)
def test_a_first_load_finds_the_rows_that_deletes_let_slide_past_it(api: ModelApi) -> None:
    fill(api, 60, 0)
    api.before_answer = delete_what_was_read
    memory = ModelMemory(stream_for(api))

    memory.poll(api)

    truth = api.truth()
    assert {key: memory.mirror().get(key) for key in truth} == truth
    assert memory.watermark is not None
