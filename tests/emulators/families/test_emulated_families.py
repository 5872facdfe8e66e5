"""The emulated families do what they say: a naive client reads them when quiet, and falls on their edges."""

from __future__ import annotations

import http.client
import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.emulators.families import FAMILIES, FOLDER, settings_of
from tests.emulators.families.api import TOKEN, Api
from tests.emulators.families.change_token import Events, Persons
from tests.emulators.families.cursor import Contacts
from tests.emulators.families.deletion_feed import Items
from tests.emulators.families.full_list import Countries
from tests.emulators.families.model import Model
from tests.emulators.families.modified_since import Rates
from tests.emulators.families.sequence_feed import Changes
from tests.emulators.faults import Status
from tests.emulators.stamps import SECOND
from tests.emulators.world import Clock

START = 1_790_000_000 * SECOND
"""2026-09-21T14:13:20Z."""
ROWS = 200
EVERYTHING = urlencode(
    {
        "q": "SELECT FIELDS(ALL) FROM Account WHERE SystemModstamp >= 1999-01-01T00:00:00Z "
        "ORDER BY SystemModstamp, Id"
    }
)


@dataclass(frozen=True, slots=True)
class Got:
    """One answer, as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def page(self) -> Any:  # noqa: ANN401 (any JSON value)
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for have, value in self.headers if have.lower() == name.lower()), None)


def ask(api: Api, target: str, headers: dict[str, str] | None = None, body: Any = None, **params: Any) -> Got:  # noqa: ANN401 (any query)
    """One request on a connection of its own, with the right token. ``target`` may be an absolute URL."""
    split = urlsplit(target)
    query = "&".join(part for part in (split.query, urlencode(params)) if part != "")
    connection = http.client.HTTPConnection(urlsplit(api.base_url).netloc, timeout=10)
    sent = {"Authorization": f"Bearer {TOKEN}", **(headers or {})}
    try:
        method, text = ("GET", None) if body is None else ("POST", json.dumps(body))
        connection.request(method, f"{split.path}?{query}" if query else split.path, text, headers=sent)
        answer = connection.getresponse()
        return Got(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


@contextmanager
def serving(name: str) -> Iterator[Api]:
    """A family of 200 rows, 30 of them at one moment, under a clock that stands."""
    model = Model(Clock(START))
    model.fill(ROWS, tied=30)
    with Api(FAMILIES[name](model)) as api:
        yield api


def by_page_number(api: Api, path: str, records: str, **params: Any) -> list[Any]:  # noqa: ANN401 (any query)
    read: list[Any] = []
    for page in range(1, 50):
        found = ask(api, path, **params, page=page).page[records]
        if not found:
            break
        read += found
    return read


def by_offset(api: Api, path: str, records: str, **params: Any) -> list[Any]:  # noqa: ANN401 (any query)
    read: list[Any] = []
    while found := ask(api, path, **params, offset=len(read)).page[records]:
        read += found
    return read


def by_url(api: Api, url: str, records: str, onward: str, **headers: str) -> list[Any]:
    read: list[Any] = []
    following: str | None = url
    while following is not None:
        page = ask(api, following, headers).page
        read += page[records]
        following = page.get(onward)
    return read


# --- quiet ----------------------------------------------------------------------------------------


def test_every_settings_file_belongs_to_a_family_and_is_toml() -> None:
    named = {make(Model(Clock(START))).settings for make in FAMILIES.values()}

    assert named == {path.name for path in FOLDER.glob("*.toml")}
    assert len(named) == len(FAMILIES)
    for make in FAMILIES.values():
        assert set(tomllib.loads(settings_of(make(Model(Clock(START)))))) == {"sources"}


@pytest.mark.parametrize(
    ("name", "path", "records", "params"),
    [
        ("page numbers", "/v1/orders", "orders", {"sort": "updated_on", "direction": "asc"}),
        ("page numbers, newest first", "/v1/orders", "orders", {"sort": "updated_on", "direction": "desc"}),
        (
            "modified since, pages",
            "/Invoices",
            "Invoices",
            {"order": "UpdatedDateUTC ASC", "includeArchived": "true"},
        ),
    ],
)
def test_page_numbers_lead_to_every_row(name: str, path: str, records: str, params: dict[str, str]) -> None:
    with serving(name) as api:
        rows = by_page_number(api, path, records, **params)

        assert_same(rows, api)


@pytest.mark.parametrize(
    ("name", "path", "records", "params"),
    [
        ("plain since", "/issues.json", "issues", {"sort": "updated_on,id", "status_id": "*"}),
        ("full list by offset", "/v1/warehouses", "warehouses", {"sort": "id"}),
        ("feed of deletions", "/v1/items", "items", {"sort": "updated_on,id"}),
    ],
)
def test_offsets_lead_to_every_row(name: str, path: str, records: str, params: dict[str, str]) -> None:
    with serving(name) as api:
        rows = by_offset(api, path, records, **params)

        assert_same(rows, api)


@pytest.mark.parametrize(
    ("name", "url", "records", "onward"),
    [
        ("next url, absolute", "/api/articles/?ordering=updated_on%2Cid", "results", "next"),
        (
            "next url, relative",
            f"/services/data/v60.0/queryAll?{EVERYTHING}",
            "records",
            "nextRecordsUrl",
        ),
        ("delta link", "/v1.0/users/delta?$select=id", "value", "@odata.nextLink"),
    ],
)
def test_urls_in_the_body_lead_to_every_row(name: str, url: str, records: str, onward: str) -> None:
    with serving(name) as api:
        rows = by_url(api, url, records, onward, **{"Sforce-Query-Options": "batchSize=200"})

        assert_same(rows, api)


def test_links_in_headers_lead_to_every_row_and_carry_traps_for_careless_readers() -> None:
    with serving("link header") as api:
        first = ask(api, "/repos/acme/app/issues", state="all", sort="updated", direction="desc", per_page=80)
        following = "/repos/acme/app/issues?state=all&sort=updated&direction=desc&per_page=80&page=2"
        second = ask(api, following)
        third = ask(api, following.replace("page=2", "page=3"))

        assert_same([*first.page, *second.page, *third.page], api)
    assert (first.header("Link") or "").startswith(f'<{api.base_url}{following}>; rel="next"')
    links = [value for name, value in second.headers if name == "Link"]
    assert len(links) == 2
    assert 'title="first, not next; really"' in links[0]
    assert 'rel="next last"' in links[1]
    assert "next" not in (third.header("Link") or "").replace("not next", "")


def test_the_cursor_is_named_on_the_last_page_too_and_some_pages_are_empty() -> None:
    rows: list[Any] = []
    sizes = []
    with serving("cursor with has_more") as api:
        page = ask(api, "/v3/contacts", sort="updated_on", archived="any", limit=100).page
        while True:
            rows += page["results"]
            sizes.append(len(page["results"]))
            if not page["has_more"]:
                break
            following = page["next_cursor"]
            page = ask(
                api, "/v3/contacts", sort="updated_on", archived="any", limit=100, cursor=following
            ).page

        assert_same(rows, api)
    assert sizes == [60, 60, 60, 20]
    assert page["next_cursor"] is not None


def test_starting_after_goes_from_the_newest_to_the_oldest_and_shows_stubs_of_the_deleted() -> None:
    with serving("starting_after") as api:
        api.model.delete(199)
        first = ask(api, "/v1/customers", limit=100).page
        second = ask(api, "/v1/customers", limit=100, starting_after=first["data"][-1]["id"]).page
        unknown = ask(api, "/v1/customers", starting_after="cus_0")
        too_many = ask(api, "/v1/customers", limit=101)

        assert_same([row for row in (*first["data"], *second["data"]) if "deleted" not in row], api)
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert set(first["data"][1]) == {"id", "object", "deleted"}
    assert (unknown.status, too_many.status) == (400, 400)
    assert api.misuses == []


def test_a_key_as_a_cursor_jumps_to_the_front_with_its_row() -> None:
    with serving("starting_after, newest change first") as api:
        first = ask(api, "/v1/orders", expand="deleted", limit=100).page
        api.model.clock.advance(1)
        last = first["data"][-1]
        assert last["id"].endswith("101")
        api.model.update(101)
        again = ask(api, "/v1/orders", expand="deleted", limit=100, starting_after=last["id"]).page
        api.model.delete(7)
        later: dict[str, Any] = {"updated[gte]": START // SECOND + 1}
        changed = ask(api, "/v1/orders", expand="deleted", **later).page

    assert again["data"][0] == first["data"][0]
    assert [row.get("deleted", False) for row in changed["data"]] == [False, True]


def test_a_search_reads_its_body() -> None:
    sort = [{"updated_on": "asc"}, {"id": "asc"}]
    query = {"range": {"updated_on": {"gte": "2026-09-21T14:11:40Z"}}}
    with serving("search by POST, offset") as api:
        whole = ask(
            api, "/", body={"query": {"range": {"updated_on": {}}}, "sort": sort, "from": 0, "size": 500}
        )
        part = ask(api, "/", body={"query": query, "sort": sort, "from": 1, "size": 3})
        deep = ask(api, "/", body={"query": query, "sort": sort, "from": 9_999, "size": 2})
        as_text = ask(api, "/", body={"query": query, "sort": sort, "from": "1", "size": 3})

        assert_same([hit["_source"] for hit in whole.page["hits"]["hits"]], api)
    assert len(part.page["hits"]["hits"]) == 3
    assert (deep.status, as_text.status) == (400, 400)
    assert len(api.misuses) == 1


def test_a_search_with_a_cursor_gives_row_numbers_as_text() -> None:
    body = {"sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}], "limit": 200}
    filters = [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": START // 1_000_000 - 100_000}]
    with serving("search by POST, cursor") as api:
        whole = ask(api, "/", body={**body, "filterGroups": []}).page
        part = ask(api, "/", body={**body, "filterGroups": [{"filters": filters}], "limit": 4}).page
        rest = ask(api, "/", body={**body, "filterGroups": [{"filters": filters}], "after": "4"}).page

        assert_same(whole["results"], api)
    assert "paging" not in whole
    assert part["paging"]["next"]["after"] == "4"
    assert len(part["results"]) + len(rest["results"]) == part["total"] < ROWS


# --- edges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["page numbers, newest first", "full list by offset"])
def test_whoever_counts_pages_loses_a_row_when_another_is_deleted(name: str) -> None:
    with serving(name) as api:
        api.before_response(2, lambda model: model.delete(200 if "newest" in name else 1))
        if "newest" in name:
            rows = by_page_number(
                api, "/v1/orders", "orders", sort="updated_on", direction="desc", per_page=50
            )
        else:
            rows = by_offset(api, "/v1/warehouses", "warehouses", sort="id", limit=50)

        lost = set(api.family.shown()) - {str(row["id"]) for row in rows}
    assert len(lost) == 1


def test_a_change_token_stands_on_the_last_page_alone_and_for_the_first_pages_moment() -> None:
    with serving("change token") as api:
        api.before_response(2, lambda model: model.update(1))
        pages = [ask(api, "/events").page]
        while "nextPageToken" in pages[-1]:
            pages.append(ask(api, "/events", pageToken=pages[-1]["nextPageToken"]).page)
        token = pages[-1]["nextSyncToken"]
        api.model.delete(2)
        changes = ask(api, "/events", syncToken=token).page
        nothing = ask(api, "/events", syncToken=changes["nextSyncToken"]).page

    assert ["nextSyncToken" in page for page in pages] == [False, False, False, True]
    assert [item["id"] for item in changes["items"]] == ["ev00001", "ev00002"]
    assert changes["items"][1] == {"id": "ev00002", "status": "cancelled"}
    assert nothing["items"] == []
    assert nothing["nextSyncToken"] != token


def test_a_forgotten_token_is_410_and_a_page_token_belongs_to_its_change_token() -> None:
    with serving("change token") as api:
        page_token = ask(api, "/events").page["nextPageToken"]
        foreign = ask(api, "/events", pageToken=page_token, syncToken="since-7")
        assert isinstance(api.family, Events)
        api.family.forget()
        gone = ask(api, "/events", pageToken=page_token)

    assert (foreign.status, gone.status) == (400, 410)
    assert len(api.misuses) == 1


@pytest.mark.parametrize("located", [False, True])
def test_a_delta_link_shows_what_was_removed_until_it_is_forgotten(located: bool) -> None:  # noqa: FBT001
    with serving("delta link") as api:
        page = ask(api, "/v1.0/users/delta?$select=id").page
        while "@odata.nextLink" in page:
            page = ask(api, page["@odata.nextLink"]).page
        api.model.delete(5)
        api.model.update(6)
        delta = ask(api, page["@odata.deltaLink"]).page
        assert isinstance(api.family, Persons)
        api.family.located = located
        api.family.forget()
        gone = ask(api, delta["@odata.deltaLink"])

    assert [("@removed" in user, user["id"][:8]) for user in delta["value"]] == [
        (True, "00000005"),
        (False, "00000006"),
    ]
    assert gone.status == 410
    assert (gone.header("Location") is not None) is located


def test_a_sequence_feed_has_each_document_once_behind_its_last_sequence() -> None:
    with serving("sequence feed") as api:
        api.model.update(1)
        api.model.delete(2)
        page = ask(api, "/_changes", include_docs="true", limit=50).page
        seen = [*page["results"]]
        while page["results"]:
            page = ask(api, "/_changes", include_docs="true", limit=50, since=page["last_seq"]).page
            seen += page["results"]
        made_up = ask(api, "/_changes", include_docs="true", since="12-abc")

        assert_same([each for each in seen if "deleted" not in each], api)
    assert [each["id"] for each in seen[-2:]] == ["doc-1", "doc-2"]
    assert len(seen) == ROWS
    assert isinstance(api.family, Changes)
    assert made_up.status == 400


def test_an_event_log_has_every_version_and_late_ones_come_behind_higher_numbers() -> None:
    with serving("event log") as api:
        api.model.update(1, late=10)
        api.model.update(2)
        before = [event["sequence"] for event in ask(api, "/v1/events", after=ROWS).page["events"]]
        api.model.clock.advance(11)
        after = [event["sequence"] for event in ask(api, "/v1/events", after=ROWS).page["events"]]

    assert (before, after) == ([ROWS + 2], [ROWS + 1, ROWS + 2])


def test_a_late_commit_has_an_old_stamp_when_it_can_be_read() -> None:
    with serving("plain since, one answer") as api:
        api.model.update(1, late=10)
        before = ask(api, "/", changed_since="2026-09-21T14:13:20Z").page["tickets"]
        api.model.clock.advance(11)
        after = ask(api, "/", changed_since="2026-09-21T14:13:20Z").page["tickets"]

    assert (before, [row["id"] for row in after]) == ([], [1])


def test_a_list_is_sent_whole_or_not_at_all() -> None:
    with serving("modified since") as api:
        whole = ask(api, "/rates.json")
        modified = whole.header("Last-Modified") or ""
        spared = ask(api, "/rates.json", {"If-Modified-Since": modified})
        api.model.clock.advance(1)
        api.model.delete(1)
        again = ask(api, "/rates.json", {"If-Modified-Since": modified})
        malformed = ask(api, "/rates.json", {"If-Modified-Since": "2026-09-21T14:13:20Z"})

        assert_same(again.page["rates"], api)
    assert isinstance(api.family, Rates)
    assert (whole.status, spared.status, spared.body, malformed.status) == (200, 304, b"", 400)


def test_an_etag_is_of_the_content() -> None:
    with serving("full list") as api:
        tag = ask(api, "/v1/countries").header("ETag") or ""
        spared = ask(api, "/v1/countries", {"If-None-Match": tag})
        api.model.update(1)
        changed = ask(api, "/v1/countries", {"If-None-Match": tag})

        assert isinstance(api.family, Countries)
        assert_same(changed.page, api)
        assert (spared.status, changed.status, api.family.spared) == (304, 200, 1)


def test_a_feed_keeps_the_deletion_of_an_item_that_came_back_and_a_replica_lags() -> None:
    with serving("feed of deletions") as api:
        assert isinstance(api.family, Items)
        api.model.clock.advance(20)
        api.model.delete(5)
        deletions = ask(api, "/v1/deleted_items", sort="deleted_at,id").page["deletions"]
        api.family.lag = 10
        lagging = by_offset(api, "/v1/items", "items", sort="updated_on,id")
        api.family.lag = 0
        api.model.insert(id=5)
        kept = ask(api, "/v1/deleted_items", sort="deleted_at,id").page["deletions"]

        assert_same(by_offset(api, "/v1/items", "items", sort="updated_on,id"), api)
    assert [each["item_id"] for each in deletions] == [5]
    assert kept == deletions
    assert 5 in {row["id"] for row in lagging}


# --- accounts -------------------------------------------------------------------------------------


def test_what_a_client_does_wrong_is_counted_and_said() -> None:
    with serving("cursor with has_more") as api:
        right: dict[str, Any] = {"sort": "updated_on", "archived": "any"}
        cursor = ask(api, "/v3/contacts", **right).page["next_cursor"]
        wrong = [
            ask(api, "/v3/contacts", **right, cursor=cursor, updated_after="2026-09-21T14:13:20Z"),
            ask(api, "/v3/contacts", **right, offset=3),
            ask(api, "/v3/contacts", {"Authorization": "Bearer x"}, **right),
            ask(api, "/v3/contacts?limit=1&limit=2", **right),
            ask(api, "/v3/contacts", **right, limit=""),
            ask(api, "/v3/contacts", **right, updated_after="yesterday"),
            ask(api, "/v3/contacts", **right, cursor="made-up"),
            ask(api, "/v3/contacts", archived="any"),
            ask(api, "/v3/contacts", body={}),
        ]

    assert {got.status for got in wrong} == {400}
    assert len(api.misuses) == len(wrong)
    assert "was given under None" in api.misuses[0]
    assert isinstance(api.family, Contacts)


def test_a_fault_breaks_one_answer_and_nothing_moves_behind_it() -> None:
    with serving("full list") as api:
        moved: list[int] = []
        api.between_pages(lambda model: moved.append(model.insert()))
        api.fault(1, Status(503, retry_after=1))
        statuses = [ask(api, "/v1/countries").status for _ in range(2)]
        api.be_quiet()
        ask(api, "/v1/countries")

    assert statuses == [503, 200]
    assert len(moved) == 1
    assert [entry.broken for entry in api.log] == [True, False, False]
    assert api.most_at_once == 1


def test_a_hook_that_fails_fails_the_test() -> None:
    model = Model(Clock(START))
    api = Api(Countries(model))
    api.before_next(lambda model: model.update(999))

    status = ask(api, "/v1/countries").status

    assert status == 500
    with pytest.raises(AssertionError, match="KeyError"):
        api.__exit__(None, None, None)


def assert_same(rows: list[Any], api: Api) -> None:
    """Every row of the model, as the family shows it, each once."""
    wanted = list(api.family.shown().values())

    def in_order(each: Any) -> str:  # noqa: ANN401 (any JSON value)
        return json.dumps(each, sort_keys=True)

    assert sorted(map(in_order, rows)) == sorted(map(in_order, wanted))
