"""What an answer is known again by, and when it may be asked for under a condition."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from poller.core.page import Page, Response, Validators
from poller.core.position import SECOND
from poller.core.request import Request
from poller.core.steps import Fetch
from poller.core.validators import conditional, decode, encode, name_of, validators_of
from poller.core.verdict import Again, judge
from tests.core.model_api import ModelApi
from tests.core.model_memory import ModelMemory
from tests.core.streams import NOON, a_response, a_stream
from tests.core.test_scan import fill, stream_for

REQUEST = Request("GET", "/calls", (("since", "1"),), (("Accept", "application/json"),))
OLD = (NOON - timedelta(minutes=5)).strftime("%a, %d %b %Y %H:%M:%S GMT")
YOUNG = (NOON - timedelta(seconds=59)).strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_an_etag_is_preferred_to_a_date() -> None:
    known = validators_of(REQUEST, a_response(etag='W/"7"', last_modified=OLD))

    assert known == Validators(name_of(REQUEST), 'W/"7"')


def test_a_date_is_used_when_it_is_a_minute_old_at_the_servers_clock() -> None:
    assert validators_of(REQUEST, a_response(last_modified=OLD)) == Validators(name_of(REQUEST), None, OLD)
    assert validators_of(REQUEST, a_response(last_modified=YOUNG)) is None
    assert validators_of(REQUEST, replace(a_response(last_modified=OLD), date=None)) is None
    assert validators_of(REQUEST, a_response(last_modified="yesterday")) is None
    assert validators_of(REQUEST, a_response()) is None


@pytest.mark.parametrize(
    ("known", "field"),
    [
        (Validators(name_of(REQUEST), '"7"'), ("If-None-Match", '"7"')),
        (Validators(name_of(REQUEST), None, OLD), ("If-Modified-Since", OLD)),
    ],
)
def test_the_same_request_is_asked_under_its_condition(known: Validators, field: tuple[str, str]) -> None:
    asked = conditional(REQUEST, known)

    assert asked is not None
    assert asked.headers == (*REQUEST.headers, field)


def test_another_request_and_one_with_a_condition_of_its_own_are_asked_as_they_are() -> None:
    own = replace(REQUEST, headers=(("if-modified-since", OLD),))

    assert conditional(REQUEST, None) is None
    assert conditional(replace(REQUEST, params=()), Validators(name_of(REQUEST), '"7"')) is None
    assert conditional(own, Validators(name_of(own), '"7"')) is None


def test_they_are_kept_as_text_and_what_another_version_wrote_is_forgotten() -> None:
    known = Validators("name", '"7"', None)

    assert decode(encode(known)) == known
    assert encode(None) is None
    assert decode(None) is None
    assert decode("{}") is None


def test_an_unmodified_listing_is_an_empty_last_page_that_stays_known() -> None:
    known = Validators(name_of(REQUEST), '"7"')
    asked = conditional(REQUEST, known)
    assert asked is not None

    page = judge(a_stream(), Fetch(asked, validators=known), a_response("", 304))

    assert isinstance(page, Page)
    assert (page.rows, page.validators) == (0, known)


def test_an_unmodified_answer_that_nobody_asked_for_is_no_page() -> None:
    assert isinstance(judge(a_stream(), Fetch(REQUEST), a_response("", 304)), Again)


class Tagged(ModelApi):
    """Answers with an ETag of the content, and with 304 when it is known."""

    def answer(self, request: Request) -> Response:
        whole = super().answer(request)
        tag = f'"{hash(whole.body)}"'
        if dict(request.headers).get("If-None-Match") == tag:
            return replace(whole, status=304, body=b"")
        return replace(whole, headers=(*whole.headers, ("etag", tag)))


def test_a_listing_of_one_page_is_asked_for_under_a_condition_until_it_changes() -> None:
    api = Tagged(paging="keyset_cursor")
    fill(api, 8, 0)
    memory = ModelMemory(stream_for(api))
    memory.poll(api)
    memory.poll(api)
    watermark = memory.watermark
    commits = memory.total

    memory.poll(api)
    quiet = api.requests[-1]
    api.tick(3 * SECOND)
    api.update(3)
    memory.poll(api)

    assert dict(quiet.headers)["If-None-Match"]
    assert memory.mirror() == api.truth()
    assert watermark is not None
    assert memory.watermark is not None
    assert memory.watermark > watermark
    assert commits.inserted == 8


def test_a_listing_of_several_pages_is_never_asked_for_under_a_condition() -> None:
    api = Tagged(paging="keyset_cursor", sort="key")
    fill(api, 25, 0)
    memory = ModelMemory(stream_for(api, since=None))
    memory.poll(api)
    api.tick(SECOND)
    api.update(25)

    memory.poll(api)

    assert memory.validators is None
    assert all("If-None-Match" not in dict(request.headers) for request in api.requests)
    assert memory.mirror() == api.truth()


def test_a_stream_that_wants_no_conditions_gets_none() -> None:
    api = Tagged(paging="keyset_cursor")
    fill(api, 8, 0)
    memory = ModelMemory(stream_for(api, conditional=False))

    for _ in range(3):
        memory.poll(api)

    assert all("If-None-Match" not in dict(request.headers) for request in api.requests)
