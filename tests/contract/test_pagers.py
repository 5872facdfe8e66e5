"""What every way of paging keeps, run over all that are discovered."""

from __future__ import annotations

import dataclasses
import pickle
import pkgutil
from typing import Any

import pytest

import poller.pagers
from poller.core.page import Cursor as NextPage
from poller.core.page import Ending, Record
from poller.core.paging import Ask, Pager, Steering
from poller.core.path import Header, Path
from poller.core.request import Template
from poller.pagers.cursor import Cursor
from poller.pagers.link import LinkHeader
from poller.pagers.next_url import NextUrl
from poller.pagers.none import SinglePage
from poller.pagers.offset import Offset
from poller.pagers.page import PageNumber
from tests.core.streams import a_response

TEMPLATE = Template(
    "GET",
    "/rows",
    (("since", "{since}"), ("cursor", "{cursor}"), ("offset", "{offset}"), ("limit", "{size}")),
)
NEEDED: dict[str, dict[str, Any]] = {"cursor": {"next": Path("next")}, "next_url": {"next": Path("next")}}
KINDS = sorted(poller.pagers.kinds().items())
LAST = Record('"k"', None, None, "{}", {}, "digest")


def make(name: str, kind: type) -> Pager:
    pager: Pager = kind(**NEEDED.get(name, {}))
    return pager


def test_every_file_of_the_package_is_a_kind() -> None:
    assert set(poller.pagers.kinds()) == {
        module.name for module in pkgutil.iter_modules(poller.pagers.__path__)
    }


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_pager_is_a_frozen_dataclass_whose_options_are_documented(name: str, kind: type) -> None:
    assert dataclasses.is_dataclass(kind)
    pager = make(name, kind)

    with pytest.raises(dataclasses.FrozenInstanceError):
        pager.size = 7  # type: ignore[misc]
    assert all(field.metadata["doc"] for field in dataclasses.fields(kind))
    assert kind.__doc__
    assert isinstance(pager.steering, Steering)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_pager_is_stateless_the_same_ask_is_the_same_request(name: str, kind: type) -> None:
    pager = make(name, kind)
    before = pickle.dumps(pager)
    ask = Ask(since="2026-01-01T00:00:00Z", offset=40, size=20)

    first = pager.request(TEMPLATE, ask)
    pager.onward({"next": "/rows?page=2"}, a_response(), LAST, 1)

    assert pager.request(TEMPLATE, ask) == first
    assert pickle.dumps(pager) == before


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_the_first_request_carries_since_and_size_and_no_cursor(name: str, kind: type) -> None:
    request = make(name, kind).request(TEMPLATE, Ask(since="2026-01-01T00:00:00Z", size=20))

    assert dict(request.params) == {"since": "2026-01-01T00:00:00Z", "offset": "0", "limit": "20"}


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_pager_names_a_placeholder_that_moves_it_unless_the_api_gives_whole_urls(
    name: str, kind: type
) -> None:
    needs = make(name, kind).needs

    assert needs <= {"since", "offset", "cursor", "key", "page"}
    assert needs or kind in (NextUrl, LinkHeader, SinglePage)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_an_empty_answer_never_names_a_next_page(name: str, kind: type) -> None:
    assert isinstance(make(name, kind).onward({}, a_response(), None, 0), Ending)


@pytest.mark.parametrize("value", ["abc", "", 0, 7])
def test_a_cursor_is_never_tested_for_truth(value: str | int) -> None:
    pager = Cursor(next=Path("next"))

    assert pager.onward({"next": value}, a_response(), LAST, 1) == NextPage(value)
    assert dict(pager.request(TEMPLATE, Ask(cursor=value)).params)["cursor"] == str(value)


@pytest.mark.parametrize("value", [None, False])
def test_no_cursor_is_the_end(value: object) -> None:
    assert Cursor(next=Path("next")).onward({"next": value}, a_response(), LAST, 1) is Ending.LAST


@pytest.mark.parametrize("value", [True, 1.5, [], {}])
def test_what_can_be_no_cursor_is_a_contradiction(value: object) -> None:
    with pytest.raises(ValueError, match="neither text nor a number"):
        Cursor(next=Path("next")).onward({"next": value}, a_response(), LAST, 1)


@pytest.mark.parametrize("more", [False, None, 0, "false", ""])
def test_the_apis_flag_ends_the_scan_whatever_the_cursor_says(more: object) -> None:
    pager = Cursor(next=Path("next"), more=Path("more"))

    assert pager.onward({"next": "abc", "more": more}, a_response(), LAST, 1) is Ending.LAST


def test_more_pages_without_a_cursor_are_a_contradiction() -> None:
    pager = Cursor(next=Path("next"), more=Path("more"))

    assert pager.onward({"next": "abc", "more": True}, a_response(), LAST, 1) == NextPage("abc")
    with pytest.raises(ValueError, match="names none"):
        pager.onward({"more": True}, a_response(), LAST, 1)


def test_the_key_of_the_last_record_can_be_the_cursor() -> None:
    pager = Cursor(from_key=True)

    assert pager.onward({}, a_response(), LAST, 1) == NextPage("k")
    assert pager.onward({}, a_response(), LAST._replace(key="17"), 1) == NextPage(17)
    assert pager.onward({}, a_response(), None, 0) is Ending.LAST
    with pytest.raises(ValueError, match="none of the 3 records"):
        pager.onward({}, a_response(), None, 3)
    assert Template("GET", "/", (("after", "{key}"),)).placeholders() & pager.needs


@pytest.mark.parametrize("options", [{}, {"next": Path("next"), "from_key": True}])
def test_a_cursor_comes_from_one_place(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either next"):
        Cursor(**options)


def test_a_cursor_may_stand_in_a_header() -> None:
    pager = Cursor(next=Header("X-Next"))

    assert pager.onward({}, a_response(x_next="abc"), LAST, 1) == NextPage("abc")
    assert pager.onward({}, a_response(), LAST, 1) is Ending.LAST


def test_a_next_url_is_the_whole_next_request_and_remembers_where_it_was_found() -> None:
    pager = NextUrl(next=Path("next"))

    request = pager.request(TEMPLATE, Ask(since="x", cursor="?page=2"))

    assert (request.target, request.params, request.found_under) == ("?page=2", (), "/rows")
    assert pager.onward({"next": ""}, a_response(), LAST, 1) is Ending.LAST


@pytest.mark.parametrize(
    ("document", "count"),
    [
        ({"total": 7}, 7),
        ({"total": "7"}, 7),
        ({"total": 0}, 0),
        ({"total": -1}, None),
        ({"total": True}, None),
        ({}, None),
    ],
)
def test_a_total_is_a_number_or_nothing(document: dict[str, Any], count: int | None) -> None:
    where = Path("total")

    assert Offset(total=where).counted(document, a_response()) == count
    assert Cursor(next=Path("next"), total=where).counted(document, a_response()) == count
    assert NextUrl(next=Path("next"), total=where).counted(document, a_response()) == count
    assert Offset().counted(document, a_response()) is None


@pytest.mark.parametrize("first", [0, 1])
def test_page_numbers_count_from_the_first(first: int) -> None:
    pager = PageNumber(first=first, pages=Path("meta.pages"), total=Path("total"))
    template = Template("GET", "/rows/{page}", (("page", "{page}"),))

    requests = [pager.request(template, Ask(page=page)) for page in (0, 1, 41)]

    assert [dict(request.params)["page"] for request in requests] == [
        str(first + page) for page in (0, 1, 41)
    ]
    assert requests[2].target == f"/rows/{first + 41}"
    assert pager.last_page({"meta": {"pages": 7}}, a_response()) == 7
    assert pager.last_page({}, a_response()) is None
    assert pager.counted({"total": "70"}, a_response()) == 70
    assert pager.onward({}, a_response(), None, 0) is Ending.UNSAID


def test_one_page_is_the_first_and_the_last() -> None:
    pager = SinglePage()

    assert pager.onward({"next": "x"}, a_response(), LAST, 100) is Ending.LAST
    assert pager.last_page({}, a_response()) == 1
    assert pager.counted({}, a_response()) is None


LINKS = [
    ('<https://x.example/rows?page=2>; rel="next"', "https://x.example/rows?page=2"),
    ("</rows?page=2>; rel=next", "/rows?page=2"),
    ('<?page=2>;rel="NEXT"', "?page=2"),
    ('<?a=1,2;b="x">; rel="next"', '?a=1,2;b="x"'),
    ('<?p=1>; rel="prev", <?p=3>; rel="next", <?p=9>; rel="last"', "?p=3"),
    ('<?p=3>; title="a, \\"quoted\\" <b>; rel=no"; rel="prev next"', "?p=3"),
    ('<?p=3>; rel="prev"; rel="next"', None),
    ('<?p=3>; rel="next"; anchor="#part"', None),
    ('<?p=3>; rel="next-archive"', None),
    ("<?p=3>", None),
    ("<?p=3>; title; rel=next", "?p=3"),
    ('<?p=3>; title="open; rel=next', None),
    ("garbage", None),
    ("", None),
    ("<?p=1>; rel=prev garbage, <?p=3>; rel=next", "?p=3"),
    (", ,<?p=3>  ;  rel = next", "?p=3"),
]


@pytest.mark.parametrize(("field", "target"), LINKS)
def test_a_link_header_names_the_next_page(field: str, target: str | None) -> None:
    onward = LinkHeader().onward({}, a_response(link=field), LAST, 1)

    assert onward == (Ending.LAST if target is None else NextPage(target))


def test_several_link_fields_are_one_list() -> None:
    response = a_response(total="41")
    fields = (("link", "<?p=1>; rel=prev"), ("link", '<?p=3>; rel="next"'), *response.headers)
    pager = LinkHeader(total=Header("Total"))

    assert pager.onward({}, dataclasses.replace(response, headers=fields), LAST, 1) == NextPage("?p=3")
    assert pager.counted({}, response) == 41


def test_a_link_is_the_whole_next_request() -> None:
    request = LinkHeader().request(TEMPLATE, Ask(since="x", cursor="?page=2"))

    assert (request.target, request.params, request.found_under) == ("?page=2", (), "/rows")


def test_other_headers_are_no_links() -> None:
    assert LinkHeader().onward({}, a_response(server="x", link='<?p=3>; rel="next"'), LAST, 1) == NextPage(
        "?p=3"
    )
    assert LinkHeader().onward({}, a_response(server="x"), LAST, 1) is Ending.LAST
    assert LinkHeader().last_page({}, a_response()) is None
