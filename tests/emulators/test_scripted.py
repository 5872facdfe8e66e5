"""The scripted emulator has the sharp edges that it claims, and a client that ignores them gets cut."""

from __future__ import annotations

import http.client
import json
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import pytest

from tests.emulators.endpoint import Endpoint, Names
from tests.emulators.faults import (
    BodyCode,
    CutOff,
    Dripping,
    Dropped,
    Emptied,
    Fault,
    HalfDocument,
    HtmlPage,
    Raw,
    RecordsAre,
    Slow,
    Status,
    WithoutRecords,
)
from tests.emulators.naive import Got, by_id, get, scan_by_cursor, scan_by_offset
from tests.emulators.scripted import Emulator
from tests.emulators.stamps import SECOND, Stamp
from tests.emulators.world import Clock, World

START = 1_790_000_000 * SECOND
AFTER_START = "2026-09-21T14:13:20Z"


def emulator(**options: Any) -> Emulator:  # noqa: ANN401 (any option)
    """One endpoint under a frozen clock, 30 rows a second apart that end at the clock."""
    api = Emulator(Endpoint(**options), clock=Clock(START))
    api.world.insert_many(30, START - 29 * SECOND, step=SECOND)
    return api


# --- paging -----------------------------------------------------------------------------------


@pytest.mark.parametrize("paging", ["offset", "keyset_cursor", "offset_cursor", "next_url"])
@pytest.mark.parametrize("sort", ["asc", "desc", "key"])
@pytest.mark.parametrize("lengths", ["full", "random"])
def test_a_quiet_world_is_read_to_its_end_by_every_style(paging: str, sort: str, lengths: str) -> None:
    with emulator(paging=paging, sort=sort, lengths=lengths) as api:
        scan = scan_by_offset if paging == "offset" else scan_by_cursor

        seen = scan(api, size=7)

        assert seen == api.truth()
        assert len(seen) == 30


def touch_the_first(world: World) -> None:
    world.clock.advance(1)
    world.update(min(world.ids()))


@pytest.mark.parametrize(
    ("options", "loses"),
    [
        ({"paging": "offset"}, True),
        ({"paging": "offset_cursor"}, True),
        ({"paging": "next_url", "steps": "by_offset"}, True),
        ({"paging": "next_url", "steps": "by_row"}, False),
        ({"paging": "keyset_cursor"}, False),
        ({"paging": "offset", "sort": "key"}, False),
    ],
)
def test_an_update_behind_a_scan_slides_a_row_past_whoever_counts(
    options: dict[str, str],
    loses: bool,  # noqa: FBT001
) -> None:
    with emulator(**options) as api:
        api.after_response(1, touch_the_first)
        scan = scan_by_offset if options["paging"] == "offset" else scan_by_cursor

        seen = scan(api)

        assert set(api.truth()) - set(seen) == ({11} if loses else set())


def test_a_delete_slides_a_row_past_an_offset_in_both_directions_of_the_sort() -> None:
    lost = []
    for sort, first in (("asc", 1), ("desc", 30)):
        with emulator(sort=sort) as api:
            api.after_response(1, partial(World.delete, number=first))

            lost.append(set(api.truth()) - set(scan_by_offset(api)) - {first})

    assert lost == [{11}, {20}]


def test_the_last_key_pages_newest_first_and_says_whether_there_is_more() -> None:
    with emulator(paging="after_key", sort="desc", names=Names(cursor="starting_after")) as api:
        first = get(api, limit=20)
        second = get(api, limit=20, starting_after=first.ids[-1])
        unknown = get(api, starting_after=999)

    assert (first.ids[0], first.page["has_more"]) == (30, True)
    assert (second.ids, second.page["has_more"]) == ([*range(10, 0, -1)], False)
    assert unknown.status == 400


def test_a_next_url_keeps_the_filter_and_is_absolute_or_relative() -> None:
    following = []
    for form in ("absolute", "relative"):
        with emulator(paging="next_url", next_form=form) as api:
            following.append(get(api, limit=5, since=AFTER_START).page["next"])
            following.append(get(api, limit=5, since="2026-09-21T14:13:00Z").page["next"])
            origin = api.base_url if form == "absolute" else ""

            assert following[-2] is None
            assert following[-1].startswith(f"{origin}/rows?limit=5&since=2026-09-21T14%3A13%3A00Z&cursor=")


def test_a_cap_shortens_pages_without_a_word() -> None:
    with emulator(cap=4, total="right") as api:
        page = get(api, limit=10, offset=0).page

    assert (len(page["rows"]), page["total"]) == (4, 30)


def test_a_wrong_total_is_wrong() -> None:
    with emulator(total="wrong") as api:
        assert get(api).page["total"] == 15


def test_empty_pages_with_a_cursor_come_in_between_and_lose_nothing() -> None:
    with emulator(paging="keyset_cursor", empty_every=2) as api:
        seen = scan_by_cursor(api)
        empty = [entry.number for entry in api.log if entry.rows == 0]

        assert seen == api.truth()
        assert empty == [2, 4]


def test_the_end_may_be_an_empty_page_or_its_own_cursor_for_ever() -> None:
    with emulator(paging="keyset_cursor", last_page="to_empty") as api:
        assert scan_by_cursor(api, size=30) == api.truth()
        assert [entry.rows for entry in api.log] == [30, 0]

    with emulator(paging="keyset_cursor", last_page="itself") as api:
        cursor = get(api, limit=30).page["next"]
        assert get(api, cursor=cursor).page == {"rows": [], "next": cursor}


def test_a_cursor_expires_after_so_many_requests_or_on_demand() -> None:
    with emulator(paging="keyset_cursor", cursor_life=1, expired_status=400) as api:
        cursor = get(api, limit=5).page["next"]
        statuses = [get(api, limit=5, cursor=cursor).status for _ in range(2)]
        fresh = get(api, limit=5).page["next"]
        api.expire_cursors()
        statuses.append(get(api, cursor=fresh).status)

    assert statuses == [200, 400, 400]


def test_a_keyset_endpoint_has_no_way_to_say_where_to_go_on() -> None:
    with emulator(paging="keyset") as api:
        page = get(api, limit=5, offset=10, cursor="x").page

    assert set(page) == {"rows"}
    assert [row["id"] for row in page["rows"]] == [1, 2, 3, 4, 5]


# --- order ---------------------------------------------------------------------------------------


def test_unstable_ties_come_in_another_order_on_each_request() -> None:
    with emulator(ties="shuffled") as api:
        api.world.touch_many(range(1, 21), START)

        orders = [get(api, limit=100).ids for _ in range(3)]

        assert orders[0] != orders[1] != orders[2]
        assert {tuple(order[:9]) for order in orders} == {(*range(21, 30),)}
        assert set(scan_by_offset(api, size=5)) < set(api.truth())


def test_the_same_seed_gives_the_same_answers() -> None:
    bodies = []
    for _ in range(2):
        with emulator(sort="shuffled", lengths="random") as api:
            bodies.append([get(api, limit=10, offset=start).body for start in (0, 5, 0)])

    assert bodies[0] == bodies[1]
    assert bodies[0][0] != bodies[0][2]


def test_null_positions_sort_first_or_last_and_the_filter_drops_them() -> None:
    for nulls, place in (("first", 0), ("last", -1)):
        with emulator(nulls=nulls) as api:
            null = api.world.insert(None)

            assert get(api, limit=100).ids[place] == null
            assert null not in get(api, limit=100, since="2000-01-01T00:00:00Z").ids
            assert api.truth()[null]["updated_at"] is None

    with emulator(undated="kept") as api:
        null = api.world.insert(None)
        assert null in get(api, limit=100, since=AFTER_START).ids


# --- since ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compare", "since", "count"),
    [
        ("closed", AFTER_START, 3),
        ("open", AFTER_START, 2),
        ("open", "2026-09-21T14:13:20.5Z", 1),
        ("closed_seconds", "2026-09-21T14:13:20.7Z", 3),
        ("open_seconds", "2026-09-21T14:13:19.9Z", 3),
        ("open_seconds", AFTER_START, 0),
        ("ignored", AFTER_START, 32),
    ],
)
def test_the_filter_compares_as_it_is_told(compare: str, since: str, count: int) -> None:
    with emulator(compare=compare) as api:
        api.world.insert(START + SECOND // 2)
        api.world.insert(START + SECOND * 9 // 10)

        assert len(get(api, since=since).ids) == count


def test_since_may_be_wrapped_in_text_and_have_any_name() -> None:
    with emulator(wrapped=">=", names=Names(since="updated_on", position="updated_on")) as api:
        rows = get(api, updated_on=f">={AFTER_START}").page["rows"]
        blank_for_plus = get(api, "/rows?updated_on=2026-09-21T16:13:20+02:00")

    assert [(row["id"], row["updated_on"]) for row in rows] == [(30, AFTER_START)]
    assert blank_for_plus.status == 400


def test_a_post_search_reads_its_parameters_from_the_body() -> None:
    names = Names(since="filters.0.value", size="maximum", records="result.items", next="meta.next")
    with emulator(method="POST", paging="keyset_cursor", names=names) as api:
        connection = http.client.HTTPConnection(api.base_url.removeprefix("http://"))
        body = json.dumps({"maximum": 3, "filters": [{"value": "2026-09-21T14:13:10Z"}]})
        connection.request("POST", "/rows", body)
        page = json.loads(connection.getresponse().read())
        connection.close()

    assert [row["id"] for row in page["result"]["items"]] == [20, 21, 22]
    assert isinstance(page["meta"]["next"], str)


# --- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stamp", "shown"),
    [
        (Stamp(), "2026-09-21T14:13:20Z"),
        (Stamp(digits=9), "2026-09-21T14:13:20.123456789Z"),
        (Stamp(digits=3, offsets=(0, 330, -60)), "2026-09-21T19:43:20.123+05:30"),
        (Stamp(style="naive", zone="Europe/Oslo", digits=6), "2026-09-21T16:13:20.123456"),
        (Stamp(style="unix"), 1_790_000_000),
        (Stamp(style="unix_ms", json="text"), "1790000000123"),
    ],
)
def test_a_moment_is_written_and_read_in_the_style_of_the_api(stamp: Stamp, shown: str | int) -> None:
    at = START + 123_456_789

    assert stamp.write(at, turn=1) == shown
    read = stamp.read(shown)
    assert read is not None
    assert stamp.write(read, turn=1) == shown


def test_a_naive_hour_in_autumn_is_two_hours() -> None:
    stamp = Stamp(style="naive", zone="Europe/Oslo")
    first = 1_792_888_200 * SECOND

    assert stamp.write(first) == stamp.write(first + 3600 * SECOND) == "2026-10-25T02:30:00"


def test_the_date_header_is_the_servers_clock_and_can_be_missing() -> None:
    with emulator() as api:
        api.clock.advance(60)
        told = parsedate_to_datetime(get(api).headers["date"]).timestamp()
        api.shows_date = False
        silent = get(api).headers

    assert told == START // SECOND + 60
    assert "date" not in silent


def test_a_late_commit_has_an_old_stamp_when_it_becomes_visible() -> None:
    with emulator() as api:
        late = api.world.insert(visible_in=10)
        api.clock.advance(5)
        early = api.world.insert()
        before = get(api, since=AFTER_START).ids
        api.clock.advance(6)
        after = get(api, since=AFTER_START).ids
        missed_by_its_watermark = get(api, since="2026-09-21T14:13:25Z").ids

    assert before == [30, early]
    assert after == [30, late, early]
    assert late not in missed_by_its_watermark


def test_a_lagging_replica_shows_the_older_version() -> None:
    with emulator(lag=30) as api:
        api.clock.advance(100)
        api.world.update(5)
        stale = by_id(get(api).page["rows"])[5]
        api.clock.advance(31)
        fresh = by_id(get(api).page["rows"])[5]

        assert (stale["version"], fresh["version"]) == (1, 2)
        assert fresh == api.truth()[5]


def test_a_bulk_edit_gives_many_rows_one_position() -> None:
    with emulator() as api:
        api.world.touch_many(range(1, 26))

        assert len({row["updated_at"] for row in api.truth().values()}) == 5


# --- hooks, faults, accounts -----------------------------------------------------------------------


def test_hooks_change_the_world_before_after_and_between_answers() -> None:
    with emulator() as api:
        api.before_response(1, lambda world: world.delete(1))
        api.after_response(1, lambda world: world.delete(2))
        api.between_pages(lambda world: world.delete(min(world.ids())))

        firsts = [get(api).ids[0] for _ in range(3)]
        api.be_quiet()
        firsts += [get(api).ids[0] for _ in range(2)]

    assert firsts == [2, 4, 5, 6, 6]


def test_a_hook_that_fails_fails_the_test() -> None:
    api = emulator()
    api.before_response(1, lambda world: world.update(999))

    status = get(api).status

    assert status == 500
    with pytest.raises(AssertionError, match="KeyError"):
        api.__exit__(None, None, None)


def broken(fault: Fault) -> Got:
    """The answer to one request, broken by ``fault``."""
    with emulator() as api:
        api.fault_next(fault)
        return get(api)


def test_faults_break_one_answer_and_the_next_is_right_again() -> None:
    with emulator() as api:
        api.fault(2, Status(503, retry_after=7), Status(429, retry_after=60, form="date"))
        answers = [get(api) for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 503, 429, 200]
    assert answers[1].body.startswith(b"<!DOCTYPE")
    assert answers[1].headers["retry-after"] == "7"
    due, now = (parsedate_to_datetime(answers[2].headers[name]) for name in ("retry-after", "date"))
    assert (due - now).total_seconds() == 60


def test_a_page_can_lie_in_each_known_way() -> None:
    html = broken(HtmlPage())
    half = broken(HalfDocument())
    coded = broken(BodyCode(10)).page
    keyless = broken(WithoutRecords()).page
    shapeless = broken(RecordsAre({"1": {}})).page

    assert (html.status, html.headers["content-type"]) == (200, "text/html")
    with pytest.raises(json.JSONDecodeError):
        json.loads(half.body)
    assert (coded["statusCode"], coded["rows"]) == (10, [])
    assert "rows" not in keyless
    assert shapeless["rows"] == {"1": {}}
    assert broken(Emptied()).page == {"rows": []}


def test_a_connection_can_drop_break_and_crawl() -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        broken(Dropped())
    with pytest.raises(http.client.IncompleteRead):
        broken(CutOff())
    assert broken(Slow(0.05)).status == 200
    assert broken(Dripping(0.00001)).status == 200


def test_an_outage_lasts_until_it_is_over() -> None:
    with emulator() as api:
        api.down()
        down = [get(api).status for _ in range(3)]
        api.up()

        assert [*down, get(api).status] == [503, 503, 503, 200]
        assert [entry.rows for entry in api.log] == [None, None, None, 30]


def test_a_poison_value_goes_over_the_wire_as_it_is() -> None:
    with emulator() as api:
        api.world.insert(poison=Raw("123456789012345678901234567890.5"), other=Raw('"\\ud800"'))

        body = get(api, limit=100).body

    assert b'"poison":123456789012345678901234567890.5,"other":"\\ud800"' in body


def test_a_request_without_the_credential_is_refused_and_every_answer_has_a_name() -> None:
    with Emulator(credential=("X-API-Key", "k")) as api:
        wrong = get(api)
        right = get(api, headers={"X-API-Key": "k"})

        assert (wrong.status, right.status) == (401, 200)
        assert right.headers["x-request-id"] == "req-2"
        assert api.log[1].asked.header("x-api-key") == "k"


def test_endpoints_have_worlds_of_their_own() -> None:
    with Emulator(Endpoint(path="/a"), Endpoint(path="/b", stamp=Stamp(style="unix"))) as api:
        api.worlds["/b"].insert()

        assert api.truth("/a") == {}
        assert get(api, "/b").ids == [1]
        assert get(api, "/c").status == 404
