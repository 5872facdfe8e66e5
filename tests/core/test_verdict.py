"""What a response means."""

from __future__ import annotations

import pytest

from poller.core.errors import Category
from poller.core.model import BodyCodes
from poller.core.page import Page
from poller.core.path import Path
from poller.core.request import Request
from poller.core.steps import Declined, Expired, Fetch
from poller.core.verdict import KEPT, Again, Fatal, Renew, Verdict, judge
from tests.core.streams import a_response, a_stream

FIRST = Fetch(Request("GET", "/calls"))
MID_SCAN = Fetch(Request("GET", "/calls"), mid_scan=True)
BY_TOKEN = Fetch(Request("GET", "/calls"), forgotten=frozenset({410, 400}))
FURTHER = Fetch(Request("GET", "/calls"), further=True)
LARGER = Fetch(Request("GET", "/calls"), optional=True)
CODES = BodyCodes(Path("statusCode"), retry=(10,), fail=(5,), message=Path("message"))


def verdict(status: int, body: str = "", fetch: Fetch = FIRST, **headers: str) -> Verdict:
    return judge(a_stream(), fetch, a_response(body, status, **headers))


@pytest.mark.parametrize("status", [200, 203, 206])
def test_a_success_with_a_list_of_records_is_a_page(status: int) -> None:
    assert isinstance(verdict(status, '{"rows": []}'), Page)


@pytest.mark.parametrize("body", ["", "<html>busy</html>", "{}", '{"rows": {}}', '{"rows": [{"id": 1}'])
def test_a_success_that_is_no_page_is_asked_for_again_and_its_body_kept(body: str) -> None:
    found = verdict(200, body)

    assert isinstance(found, Again)
    assert found.category is Category.SHAPE
    assert found.kept == body.encode()


def test_no_more_of_a_wrong_body_is_kept_than_is_worth_keeping() -> None:
    found = verdict(200, "x" * (KEPT + 1))

    assert isinstance(found, Again)
    assert found.kept is not None
    assert len(found.kept) == KEPT


@pytest.mark.parametrize(
    ("status", "category"),
    [
        (429, Category.RATE_LIMITED),
        (500, Category.SERVER),
        (502, Category.SERVER),
        (503, Category.SERVER),
        (504, Category.SERVER),
    ],
)
def test_what_passes_by_itself_is_asked_for_again(status: int, category: Category) -> None:
    found = verdict(status, "<html>", retry_after="7")

    assert isinstance(found, Again)
    assert found.category is category
    assert found.wait == 7.0


@pytest.mark.parametrize(
    ("status", "category"),
    [
        (400, Category.REFUSED),
        (403, Category.FORBIDDEN),
        (404, Category.REFUSED),
        (410, Category.REFUSED),
        (418, Category.REFUSED),
        (501, Category.SERVER),
        (302, Category.REFUSED),
    ],
)
def test_what_repeating_cannot_help_ends_the_run(status: int, category: Category) -> None:
    found = verdict(status, '{"error": "why\\n not"}')

    assert isinstance(found, Fatal)
    assert found.category is category
    assert str(status) in found.reason
    assert "\n" not in found.reason


def test_401_asks_for_a_new_credential() -> None:
    assert isinstance(verdict(401), Renew)
    assert isinstance(verdict(401, fetch=MID_SCAN), Renew)


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_refused_cursor_is_an_expired_one(status: int) -> None:
    assert isinstance(verdict(status, fetch=MID_SCAN), Expired)


@pytest.mark.parametrize("status", [403])
def test_a_cursor_does_not_excuse_a_missing_right(status: int) -> None:
    assert isinstance(verdict(status, fetch=MID_SCAN), Fatal)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_larger_page_is_declined(status: int) -> None:
    assert isinstance(verdict(status, fetch=LARGER), Declined)


def test_a_server_error_on_a_larger_page_is_no_refusal_of_it() -> None:
    assert isinstance(verdict(501, fetch=LARGER), Fatal)
    assert isinstance(verdict(503, fetch=LARGER), Again)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"statusCode": 0, "rows": []}', Page),
        ('{"statusCode": null, "rows": []}', Page),
        ('{"rows": []}', Page),
        ('{"statusCode": 10, "message": "slow down"}', Again),
        ('{"statusCode": 5, "message": "not allowed"}', Fatal),
        ('{"statusCode": 99}', Fatal),
        ('{"statusCode": 99, "rows": []}', Fatal),
    ],
)
def test_an_error_code_inside_a_success_comes_before_the_records(body: str, kind: type) -> None:
    found = judge(a_stream(errors=CODES), FIRST, a_response(body))

    assert isinstance(found, kind)


def test_an_error_code_says_what_the_api_said() -> None:
    found = judge(a_stream(errors=CODES), FIRST, a_response('{"statusCode": 5, "message": "not allowed"}'))

    assert isinstance(found, Fatal)
    assert "statusCode = 5: not allowed" in found.reason


@pytest.mark.parametrize("status", [400, 410])
def test_a_token_that_is_too_old_has_expired(status: int) -> None:
    assert isinstance(verdict(status, fetch=BY_TOKEN), Expired)
    assert isinstance(verdict(404, fetch=BY_TOKEN), Fatal)


def test_a_page_behind_the_last_that_is_refused_says_how_to_name_the_last() -> None:
    found = verdict(404, fetch=FURTHER)

    assert isinstance(found, Fatal)
    assert "page.pages" in (found.hint or "")
    assert "a page behind the first" in found.reason
