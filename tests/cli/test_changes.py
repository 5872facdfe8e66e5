"""``poller changes``: tokens, pages, following, snapshots, and streams that keep no changes."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from contextlib import closing
from typing import Any

import pytest

from poller.core.feed_token import Bookmark, FeedToken, read_token
from tests.cli.world import Desk, Ran

SECOND_STREAM = """
[sources.shop.streams.returns]
path = "/rows"
params = {{ since = "{{since}}", limit = "{{size}}", offset = "{{offset}}" }}
records = "rows"
key = "id"
updated_at = "updated_at"
order = "asc"
schedule = "1h"
since = {{ lookback = "2s" }}
page = {{ type = "offset", size = 100 }}
changes = "{changes}"
"""


def with_returns(desk: Desk, changes: str = "full") -> None:
    desk.write_settings(more=SECOND_STREAM.format(changes=changes))


def told(ran: Ran) -> str:
    """The token that stderr tells."""
    found = re.search(r"^next token: (\S+)$", ran.err, re.MULTILINE)
    assert found is not None, ran.err
    return found[1]


def update(desk: Desk, rows: int) -> None:
    """Change so many rows at the API, and poll."""
    desk.api.clock.advance(5)
    for number in desk.api.world.ids()[:rows]:
        desk.api.world.update(number)
    desk.run("once")


def numbers(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(row["stream"].partition(".")[2], row["seq"]) for row in rows]


# --- tokens ------------------------------------------------------------------------------------------


def test_the_token_of_a_line_goes_on_behind_it(desk: Desk) -> None:
    with_returns(desk)
    desk.run("once")
    whole = desk.run("changes", "--after", "0", "--limit", "100", "--json").rows
    assert len(whole) == 60

    for place in (0, 17, 42, 59):
        token = whole[place]["token"]
        onward = desk.run("changes", "--after", token, "--limit", "100", "--json").rows
        assert onward == whole[place + 1 :]


def test_the_table_tells_on_stderr_where_to_go_on(desk: Desk) -> None:
    desk.run("once")
    first = desk.run("changes", "--after", "0", "--limit", "12")

    second = desk.run("changes", "--after", told(first), "--limit", "100")
    third = desk.run("changes", "--after", told(second))

    assert len(first.out.splitlines()) == 13
    assert [int(line.split()[1]) for line in second.out.splitlines()[1:]] == list(range(13, 31))
    assert (third.code, third.out) == (0, "")
    assert "no changes after that" in third.err
    assert told(third) == told(second)


def test_the_newest_changes_have_tokens_too(desk: Desk) -> None:
    desk.run("once")
    newest = desk.run("changes", "--limit", "3", "--json").rows

    assert numbers(newest) == [("orders", 28), ("orders", 29), ("orders", 30)]
    assert desk.run("changes", "--after", newest[0]["token"], "--json").rows == newest[1:]


def test_a_stream_that_is_added_later_joins_from_its_beginning(desk: Desk) -> None:
    desk.run("once")
    token = told(desk.run("changes", "--after", "0", "--limit", "100"))
    with_returns(desk)

    desk.run("once")

    rows = desk.run("changes", "--after", token, "--limit", "100", "--json").rows
    assert numbers(rows) == [("returns", seq) for seq in range(1, 31)]


def test_a_stream_that_the_database_does_not_know_stays_in_the_token(desk: Desk) -> None:
    desk.run("once")
    token = FeedToken({"gone.rows": Bookmark(17)})

    after = told(desk.run("changes", "--after", str(token)))

    assert read_token(after).at("gone.rows") == Bookmark(17)
    assert read_token(after).at("shop.orders").seq == 20


def test_more_changes_than_one_page_holds_come_without_a_gap(desk: Desk) -> None:
    desk.run("once")
    for _ in range(18):
        update(desk, 30)

    rows = desk.run("changes", "--after", "0", "--limit", "1000", "--json").rows

    assert [row["seq"] for row in rows] == list(range(1, 571))


@pytest.mark.parametrize("cut", [3, 20, -1])
def test_a_token_that_was_cut_off_is_exit_2_and_says_so(desk: Desk, cut: int) -> None:
    desk.run("once")
    token = told(desk.run("changes", "--after", "0"))

    ran = desk.run("changes", "--after", token[:cut])

    assert (ran.code, ran.out) == (2, "")
    assert "error: --after: the token is cut off or damaged" in ran.err
    assert "hint: give the whole token" in ran.err


@pytest.mark.parametrize("words", [("--after", "5"), ("shop", "--after", "5")])
def test_a_number_over_several_streams_is_exit_2(desk: Desk, words: tuple[str, ...]) -> None:
    with_returns(desk)
    desk.run("once")

    ran = desk.run("changes", *words)

    assert ran.code == 2
    assert "every stream has numbers of its own" in ran.err


# --- following ---------------------------------------------------------------------------------------


def test_following_goes_on_with_what_is_committed_meanwhile(desk: Desk) -> None:
    desk.run("once")
    first = desk.api.world.ids()[0]

    def change_later() -> None:
        """A row of the feed as a poll commits it, from beside."""
        time.sleep(1.2)
        with closing(sqlite3.connect(desk.database)) as connection, connection:
            connection.execute("UPDATE poller_streams SET seq = 31")
            connection.execute(
                "INSERT INTO poller_changes SELECT stream_id, 31, 'update', key, after, after, position,"
                " observed_at, run_id FROM poller_changes WHERE seq = 1"
            )

    beside = threading.Thread(target=change_later)
    beside.start()
    ran = desk.run("changes", "--follow", "--after", str(FeedToken()), "--limit", "31", "--json")
    beside.join()

    assert ran.code == 0
    assert [row["seq"] for row in ran.rows] == list(range(1, 32))
    assert ran.rows[-1]["before"]["id"] == first
    assert told(ran) == ran.rows[-1]["token"]


def test_following_for_people_prints_a_line_for_each_change(desk: Desk) -> None:
    desk.run("once")

    ran = desk.run("changes", "--follow", "--after", "0", "--limit", "2")

    assert [line.split()[2:5] for line in ran.out.splitlines()] == [
        ["snapshot", "shop.orders", "1"],
        ["snapshot", "shop.orders", "2"],
    ]
    assert read_token(told(ran)).at("shop.orders").seq == 2


# --- what is not kept --------------------------------------------------------------------------------


def test_below_the_floor_the_answer_is_an_error_with_the_way_on(desk: Desk) -> None:
    desk.run("once")
    token = told(desk.run("changes", "--after", "0", "--limit", "2"))
    with closing(sqlite3.connect(desk.database)) as connection, connection:
        connection.execute("DELETE FROM poller_changes WHERE seq <= 5")
        connection.execute("UPDATE poller_streams SET changes_floor = 5")

    ran = desk.run("changes", "--after", token, "--json")

    assert (ran.code, ran.out) == (1, "")
    assert "changes 3 to 5 of shop.orders are no longer kept" in ran.err
    assert "hint: take a snapshot: `poller changes shop.orders --snapshot`" in ran.err


def test_following_below_the_floor_ends_with_the_error_and_the_place(desk: Desk) -> None:
    desk.run("once")
    token = told(desk.run("changes", "--after", "0", "--limit", "2"))
    with closing(sqlite3.connect(desk.database)) as connection, connection:
        connection.execute("UPDATE poller_streams SET changes_floor = 5")

    ran = desk.run("changes", "--follow", "--after", token)

    assert ran.code == 1
    assert "take a snapshot" in ran.err
    assert told(ran) == token


def test_a_stream_that_keeps_no_changes_says_so_when_it_is_asked_for(desk: Desk) -> None:
    with_returns(desk, "off")
    desk.run("once")

    named = desk.run("changes", "shop.returns")
    among = desk.run("changes", "--after", "0", "--limit", "100", "--json")

    assert (named.code, named.out) == (2, "")
    assert 'shop.returns keeps no changes: its settings say changes = "off"' in named.err
    assert "hint: say full or keys" in named.err
    assert numbers(among.rows) == [("orders", seq) for seq in range(1, 31)]
    assert 'left out, because they keep no changes (changes = "off"): shop.returns' in among.err


def test_a_reader_of_a_stream_that_kept_none_for_a_while_is_told(desk: Desk) -> None:
    with_returns(desk)
    desk.run("once")
    token = told(desk.run("changes", "--after", "0", "--limit", "100"))
    with_returns(desk, "off")
    update(desk, 1)
    with_returns(desk, "full")
    update(desk, 2)

    ran = desk.run("changes", "--after", token)
    other = desk.run("changes", "shop.orders", "--after", token, "--json")

    assert ran.code == 1
    assert "changes 31 to 31 of shop.returns are no longer kept" in ran.err
    assert numbers(other.rows) == [("orders", 31), ("orders", 32), ("orders", 33)]


def test_keys_alone_have_neither_before_nor_after(desk: Desk) -> None:
    with_returns(desk, "keys")
    desk.run("once")
    update(desk, 1)

    rows = desk.run("changes", "shop.returns", "--limit", "1", "--json").rows

    assert [(row["op"], row["before"], row["after"]) for row in rows] == [("update", None, None)]
    assert rows[0]["key"] == desk.api.world.ids()[0]


# --- snapshots ---------------------------------------------------------------------------------------


def test_a_snapshot_has_the_rows_that_stand_and_ends_with_the_token(desk: Desk) -> None:
    desk.run("once")
    update(desk, 2)

    *rows, end = desk.run("changes", "--snapshot", "--json").rows
    update(desk, 1)

    assert sorted(row["after"]["id"] for row in rows) == sorted(desk.api.world.ids())
    assert {(row["op"], row["before"], row["token"]) for row in rows} == {("snapshot", None, None)}
    assert {key: value for key, value in end.items() if value is not None} == {
        "op": "end",
        "token": end["token"],
    }
    onward = desk.run("changes", "--after", end["token"], "--json").rows
    assert numbers(onward) == [("orders", 33)]


def test_a_snapshot_of_one_stream_keeps_the_place_in_the_others(desk: Desk) -> None:
    with_returns(desk)
    desk.run("once")
    token = FeedToken({"shop.returns": Bookmark(7), "shop.orders": Bookmark(3)})

    end = desk.run("changes", "shop.orders", "--snapshot", "--after", str(token), "--json").rows[-1]

    after = read_token(end["token"])
    assert (after.at("shop.returns").seq, after.at("shop.orders").seq) == (7, 30)


def test_a_snapshot_of_an_empty_mirror_has_a_token_too(desk: Desk) -> None:
    for number in desk.api.world.ids():
        desk.api.world.delete(number)
    desk.run("once")

    rows = desk.run("changes", "--snapshot", "--json").rows

    assert [row["op"] for row in rows] == ["end"]
    assert read_token(rows[0]["token"]).at("shop.orders").seq == 0


def test_a_snapshot_for_people_tells_the_token_on_stderr_and_following_goes_on_from_it(desk: Desk) -> None:
    desk.run("once")

    ran = desk.run("changes", "--snapshot")

    assert len(ran.out.splitlines()) == 30
    assert read_token(told(ran)).at("shop.orders").seq == 30


def test_a_snapshot_cannot_be_cut(desk: Desk) -> None:
    desk.run("once")

    ran = desk.run("changes", "--snapshot", "--limit", "3")

    assert ran.code == 2
    assert "--limit would cut it" in ran.err
