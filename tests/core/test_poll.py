"""The flow's own corners: broken protocols, refusals, circles, and places that cannot be trusted."""

from __future__ import annotations

import contextlib
import json
import random
from dataclasses import replace
from datetime import timedelta
from types import ModuleType

import pytest

from poller.core import discovery
from poller.core.errors import ScanError
from poller.core.model import Bound, Order, Secret, SinceRule
from poller.core.page import Response
from poller.core.path import Path
from poller.core.poll import poll
from poller.core.position import SECOND, TimeFormat, canonical
from poller.core.request import Request, Template
from poller.core.scan.place import Leg, first_place
from poller.core.scan.progress import resume
from poller.core.steps import Committed, Exchange, Fetch, NoticeKind
from poller.core.window import plan_window
from poller.pagers.cursor import Cursor
from poller.pagers.keyset import Keyset
from poller.pagers.offset import Offset
from tests.core.model_api import BEGIN, ModelApi
from tests.core.model_memory import ModelMemory
from tests.core.streams import NOON, a_response, a_stream
from tests.core.test_scan import fill, stir, stream_for


def scan_of(**changes: object):  # type: ignore[no-untyped-def]
    return plan_window(a_stream(**changes), "same", NOON, watermark=None)


def test_a_fetch_that_is_answered_with_a_commit_is_a_defect_and_says_so() -> None:
    flow = poll(scan_of())
    assert isinstance(next(flow), Fetch)

    with pytest.raises(TypeError, match="what was fetched"):
        flow.send(Committed())


def test_an_exchange_must_be_answered_with_both() -> None:
    api = ModelApi(paging="keyset_cursor", cap=5)
    fill(api, 20, 0)
    memory = ModelMemory(stream_for(api))
    flow = poll(plan_window(memory.stream, "same", api.clock(), watermark=None))
    fetch = next(flow)
    assert isinstance(fetch, Fetch)

    step = flow.send(memory._fetch(fetch, api))

    assert isinstance(step, Exchange)
    with pytest.raises(TypeError, match="both"):
        flow.send(Committed())


def test_a_commit_must_be_answered_with_what_it_did() -> None:
    api = ModelApi(paging="offset", sort="insertion", cap=5)
    fill(api, 12, 0)
    memory = ModelMemory(stream_for(api))
    flow = poll(plan_window(memory.stream, "same", api.clock(), watermark=None))

    with pytest.raises(TypeError, match="what it did"):
        _answer_commits_with_nothing(flow, memory, api)


def _answer_commits_with_nothing(flow, memory: ModelMemory, api: ModelApi) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    step = next(flow)
    while True:
        if isinstance(step, Fetch):
            step = flow.send(memory._fetch(step, api))
        elif isinstance(step, Exchange):
            fetched = memory._fetch(step.fetch, api)
            step = flow.send(memory_exchange(memory, step, fetched))
        else:
            step = flow.send(None)


def memory_exchange(memory: ModelMemory, step: Exchange, fetched: object):  # type: ignore[no-untyped-def]
    from poller.core.steps import Exchanged  # noqa: PLC0415 (only here)

    return Exchanged(memory._commit(step.commit), fetched)  # type: ignore[arg-type]


def test_readings_that_never_agree_fail_and_the_watermark_stays() -> None:
    api = ModelApi(paging="offset", sort="shuffled", cap=7)
    fill(api, 300, 0)

    def import_an_old_row(moving: ModelApi) -> None:
        if moving.answers % 9 == 0:
            moving.insert(at=BEGIN - 80_000 * SECOND)

    api.before_answer = import_an_old_row
    memory = ModelMemory(stream_for(api))

    with pytest.raises(ScanError, match="readings in a row"):
        memory.poll(api)

    assert memory.watermark is None


def test_a_tie_group_behind_cursors_that_changes_all_the_time_fails_and_says_so() -> None:
    api = ModelApi(paging="offset_cursor", cap=7)
    fill(api, 120, 60)
    grouped = [row.id for row in api.rows.values() if row.at == api.rows[70].at]
    api.before_answer = lambda moving: moving.update(grouped.pop()) if len(grouped) > 20 else None
    memory = ModelMemory(stream_for(api, since=SinceRule(start=BEGIN - 90_000 * SECOND)))

    with pytest.raises(ScanError, match="never agreed"):
        memory.poll(api)

    assert memory.watermark is None
    api.before_answer = lambda _: None
    memory.poll(api)
    truth = api.truth()
    assert {key: memory.mirror().get(key) for key in truth} == truth


@pytest.mark.parametrize("paging", ["offset", "keyset_cursor", "none"])
def test_an_api_that_refuses_larger_pages_is_asked_for_what_it_does_offer(paging: str) -> None:
    api = ModelApi(paging=paging)
    fill(api, 60, 25)
    answer = api.answer

    def refusing(request: Request) -> Response:
        if int(dict(request.params)["limit"]) > 10:
            return a_response('{"error": "limit must be at most 10"}', 422)
        return answer(request)

    api.answer = refusing  # type: ignore[method-assign]
    memory = ModelMemory(stream_for(api, since=SinceRule(start=BEGIN - 90_000 * SECOND)))

    if paging == "none":
        with pytest.raises(ScanError, match="more records share"):
            memory.poll(api)
    else:
        memory.poll(api)
        assert memory.mirror() == api.truth()


def test_pages_that_go_in_circles_end_with_an_error() -> None:
    stream = a_stream(since=None, pager=Cursor(next=Path("next")))
    pages = iter(range(1000))
    flow = poll(plan_window(stream, "same", NOON, watermark=None))
    memory = ModelMemory(stream)

    class Circle:
        def answer(self, _request: Request) -> Response:
            number = next(pages) % 3
            return a_response(
                json.dumps({"rows": [{"id": number, "version": 1}], "next": f"p{(number + 1) % 3}"})
            )

    with pytest.raises(ScanError, match="circles"):
        memory.drive(flow, Circle())  # type: ignore[arg-type]


def test_a_cursor_that_repeats_with_other_rows_is_followed_to_the_empty_page() -> None:
    stream = a_stream(since=None, pager=Cursor(next=Path("next")))
    pages = iter([[1, 2], [3, 4], [5], []])
    memory = ModelMemory(stream)

    class Scroll:
        def answer(self, _request: Request) -> Response:
            rows = [{"id": number, "version": 1} for number in next(pages)]
            return a_response(json.dumps({"rows": rows, "next": "scroll-1"}))

    memory.drive(poll(plan_window(stream, "same", NOON, watermark=None)), Scroll())  # type: ignore[arg-type]

    assert set(memory.mirror()) == {"1", "2", "3", "4", "5"}


def test_an_empty_page_with_a_next_cursor_goes_on() -> None:
    stream = a_stream(since=None, pager=Cursor(next=Path("next")))
    pages = iter([([1], "a"), ([], "b"), ([], "c"), ([2], None)])
    memory = ModelMemory(stream)

    class Filtering:
        def answer(self, _request: Request) -> Response:
            numbers, cursor = next(pages)
            return a_response(
                json.dumps({"rows": [{"id": n, "version": 1} for n in numbers], "next": cursor})
            )

    memory.drive(poll(plan_window(stream, "same", NOON, watermark=None)), Filtering())  # type: ignore[arg-type]

    assert set(memory.mirror()) == {"1", "2"}


@pytest.mark.parametrize("broken", ["insertion", "ignored"])
def test_a_keyset_pager_that_cannot_trust_order_or_since_fails_loudly(broken: str) -> None:
    api = ModelApi(paging="none", cap=10)
    fill(api, 60, 0)
    if broken == "ignored":
        api.compare = "ignored"
    else:
        api.sort = "insertion"
        api.update(3)
    memory = ModelMemory(stream_for(api, order=Order.ASC, since=SinceRule()))

    with pytest.raises(ScanError, match="keyset pager has no other way"):
        memory.poll(api)

    assert memory.watermark is None


def test_a_keyset_scan_steps_over_records_without_a_position() -> None:
    api = ModelApi(paging="none", nulls="first", cap=10)
    fill(api, 30, 0)
    for _ in range(10):
        api.insert(at=None)
    memory = ModelMemory(stream_for(api))

    memory.poll(api)

    assert memory.mirror() == api.truth()


def test_a_keyset_scan_over_nothing_but_a_few_future_records_ends() -> None:
    api = ModelApi(paging="none")
    for _ in range(3):
        api.insert(at=BEGIN + 10**6 * SECOND)
    memory = ModelMemory(stream_for(api, since=SinceRule(start=BEGIN)))

    memory.poll(api)

    assert memory.mirror() == api.truth()
    assert memory.watermark is None


def test_a_keyset_scan_cannot_pass_a_full_page_of_future_records() -> None:
    api = ModelApi(paging="none", cap=10)
    for _ in range(12):
        api.insert(at=BEGIN + 10**6 * SECOND)
    memory = ModelMemory(stream_for(api, since=SinceRule(start=BEGIN)))

    with pytest.raises(ScanError, match="position that since could move to"):
        memory.poll(api)


def test_unstable_ties_without_an_anchor_are_read_as_no_order() -> None:
    template = Template("GET", "/rows", (("offset", "{offset}"),))
    stream = a_stream(template=template, pager=Offset(), order=Order.DESC, ties="unstable")

    place = first_place(plan_window(stream, "same", NOON, watermark=None))

    assert place.order is Order.NONE
    assert place.leg is Leg.LISTED


@pytest.mark.parametrize("state", ["{}", "no json", '{"place": 7}'])
def test_a_checkpoint_of_another_version_is_not_trusted(state: str) -> None:
    api = ModelApi(paging="offset", cap=5)
    fill(api, 30, 0)
    memory = ModelMemory(stream_for(api), crash_at=2)
    with contextlib.suppress(Exception):
        memory.poll(api)
    assert memory.checkpoint is not None
    scan = plan_window(memory.stream, "same", api.clock(), watermark=None)

    assert resume(scan, memory.checkpoint).place.offset > 0
    assert resume(scan, replace(memory.checkpoint, state=state)).place == first_place(scan)
    assert resume(replace(scan, fingerprint="other"), memory.checkpoint).place == first_place(scan)


def test_the_first_since_is_the_configured_start_and_later_the_watermark_less_the_lookback() -> None:
    rule = SinceRule(start=BEGIN, lookback=timedelta(seconds=90), bound=Bound.OPEN)
    stream = a_stream(since=rule)

    first = plan_window(stream, "f", NOON, watermark=None)
    later = plan_window(stream, "f", NOON, watermark=BEGIN + 1000 * SECOND + 7)

    assert first.since == BEGIN
    assert later.since == BEGIN + 910 * SECOND
    assert later.ask(first_place(later)).since == canonical(BEGIN + 909 * SECOND).replace(".000000000", "")


def test_a_raw_since_is_sent_as_it_was_received_and_compares_exactly() -> None:
    rule = SinceRule(how=TimeFormat("raw"))
    stream = a_stream(since=rule)

    scan = plan_window(stream, "f", NOON, watermark=BEGIN, watermark_text="21.09.2026 09 Uhr")

    assert rule.unit == 1
    assert replace(rule, granularity=timedelta(seconds=1)).unit == SECOND
    assert scan.ask(first_place(scan)).since == "21.09.2026 09 Uhr"
    assert scan.asked(first_place(scan)) == BEGIN


def test_an_api_that_insists_on_an_upper_bound_gets_one() -> None:
    stream = a_stream(since=SinceRule(until=timedelta(days=1)))
    scan = plan_window(stream, "f", NOON, watermark=None)

    assert scan.ask(first_place(scan)).until == "2026-11-22T12:00:00Z"
    assert scan.ask(first_place(scan)).since is None


def test_a_stream_without_since_reads_everything_every_time() -> None:
    scan = plan_window(a_stream(since=None), "f", NOON, watermark=BEGIN)

    assert scan.since is None
    assert scan.asked(first_place(scan)) is None


def test_a_secret_never_shows_itself() -> None:
    assert "hunter2" not in repr(Secret("hunter2"))


def test_a_plugin_file_defines_exactly_one_kind() -> None:
    with pytest.raises(TypeError, match="exactly one dataclass, found 0"):
        discovery._only_class(ModuleType("empty"))


def test_since_that_is_ignored_under_cursors_is_noticed_and_every_page_is_read() -> None:
    api = ModelApi(paging="keyset_cursor", compare="ignored", cap=7)
    fill(api, 40, 0)
    memory = ModelMemory(stream_for(api))
    rng = random.Random(3)

    memory.poll(api)
    api.before_answer = lambda moving: stir(moving, rng, 1, deletes=False)
    memory.poll(api)
    api.before_answer = lambda _: None
    memory.poll(api)

    assert memory.mirror() == api.truth()
    assert NoticeKind.SINCE_IGNORED in memory.notices


def test_a_keyset_pager_needs_since() -> None:
    assert Keyset().needs == {"since"}
