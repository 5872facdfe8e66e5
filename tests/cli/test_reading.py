"""The commands that only look: status, changes, runs, missed, dead-letters, and what they say of nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.cli.world import Desk
from tests.emulators.faults import HtmlPage, Raw

LISTS = [
    ("status",),
    ("changes",),
    ("runs",),
    ("missed",),
    ("watermark", "list"),
    ("dead-letters", "list"),
    ("query", "select 1"),
]


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_without_a_database_the_next_step_is_told_and_none_is_made(
    desk: Desk, words: tuple[str, ...]
) -> None:
    ran = desk.run(*words)

    assert (ran.code, ran.out) == (1, "")
    assert "hint: `poller once`" in ran.err
    assert not desk.database.exists()


@pytest.mark.parametrize("words", LISTS[:-1], ids=" ".join)
def test_an_unknown_stream_is_exit_2_with_the_one_that_was_meant(desk: Desk, words: tuple[str, ...]) -> None:
    desk.run("once")

    ran = desk.run(*words, "shop.order")

    assert ran.code == 2
    assert "did you mean shop.orders?" in ran.err


@pytest.mark.parametrize(
    "words", [("missed",), ("missed", "--open"), ("runs", "--failed"), ("dead-letters", "list")]
)
def test_nothing_to_list_is_a_sentence_on_stderr(desk: Desk, words: tuple[str, ...]) -> None:
    desk.run("once")

    ran = desk.run(*words)

    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("no ")
    assert desk.run(*words, "--quiet").err == ""


# --- status -----------------------------------------------------------------------------------


def test_status_tells_state_rows_and_how_far_the_mirror_is_complete(desk: Desk) -> None:
    desk.run("once")

    row = desk.run("status", "--json").rows[0]

    assert (row["stream"], row["state"], row["rows"]) == ("shop.orders", "ok", 30)
    assert row["complete_through"].startswith("2026-09-21T14:13:20")
    assert row["next_slot"] is not None


def test_status_check_is_exit_3_while_a_stream_is_down_and_says_why(desk: Desk) -> None:
    desk.api.down()
    desk.run("once")

    ran = desk.run("status", "--check")

    assert ran.code == 3
    assert "shop.orders is down" in ran.out
    assert "503" in ran.out


def test_status_check_is_exit_0_when_all_is_well(desk: Desk) -> None:
    desk.run("once")

    assert desk.run("status", "--check").code == 0


def test_status_names_a_stream_whose_settings_changed_as_blocked(desk: Desk) -> None:
    desk.run("once")
    desk.config.write_text(desk.config.read_text().replace('since = "{since}"', 'changed_since = "{since}"'))

    row = desk.run("status", "--json").rows[0]

    assert row["state"] == "blocked"
    assert "changed_since" in row["because"]


def test_status_keeps_a_stream_that_the_settings_dropped(desk: Desk) -> None:
    desk.run("once")
    desk.config.write_text(desk.config.read_text().replace("streams.orders", "streams.purchases"))

    ran = desk.run("status", "--json")

    assert [(row["stream"], row["state"]) for row in ran.rows] == [("shop.orders", "removed")]
    assert "shop.purchases: in the settings, and never polled yet" in ran.err


# --- changes ----------------------------------------------------------------------------------


def test_changes_after_a_number_follow_without_a_gap(desk: Desk) -> None:
    desk.run("once")

    rows = desk.run("changes", "shop.orders", "--after", "10", "--limit", "5", "--json").rows

    assert [row["seq"] for row in rows] == [11, 12, 13, 14, 15]
    assert {row["op"] for row in rows} == {"snapshot"}


def test_a_change_shows_the_record_before_and_after_as_it_was_sent(desk: Desk) -> None:
    first = desk.api.world.ids()[0]
    desk.run("once")
    desk.api.clock.advance(5)
    desk.api.world.update(first, price=Raw("12.50"))
    desk.run("once")

    ran = desk.run("changes", "--limit", "1", "--json")

    assert (ran.rows[0]["op"], ran.rows[0]["before"]["version"], ran.rows[0]["after"]["version"]) == (
        "update",
        1,
        2,
    )
    assert '"price":12.50' in ran.out


def test_the_newest_changes_come_last(desk: Desk) -> None:
    desk.run("once")

    rows = desk.run("changes", "--limit", "3", "--json").rows

    assert [row["seq"] for row in rows] == [28, 29, 30]


def test_after_without_a_stream_is_a_usage_error(desk: Desk) -> None:
    desk.run("once")

    ran = desk.run("changes", "--after", "1")

    assert ran.code == 2
    assert "every stream has numbers of its own" in ran.err


# --- runs -------------------------------------------------------------------------------------


def test_runs_lists_failures_with_their_error(desk: Desk) -> None:
    desk.run("once")
    desk.api.down()
    desk.run("once")

    ran = desk.run("runs", "--failed")

    assert len(ran.out.splitlines()) == 2
    assert "503" in ran.err
    assert [row["outcome"] for row in desk.run("runs", "--json").rows] == ["ok", "failed"]


# --- missed -----------------------------------------------------------------------------------


def test_missed_lists_stretches_with_reason_and_the_run_that_healed_them(desk: Desk) -> None:
    desk.run("once")
    with closing(sqlite3.connect(desk.database)) as connection, connection:
        connection.execute(
            "INSERT INTO poller_missed_polls (stream_id, first_slot, last_slot, slots, reason, recorded_at)"
            " VALUES (1, '2026-09-21T10:00:00.000000Z', '2026-09-21T12:00:00.000000Z', 3, 'down',"
            " '2026-09-21T12:30:00.000000Z')"
        )

    before = desk.run("missed", "--open")
    desk.run("once")
    after = desk.run("missed", "--json").rows

    assert before.out.splitlines()[1].split() == [
        *("shop.orders", "2026-09-21", "10:00:00Z", "2026-09-21", "12:00:00Z", "3", "down", "open", "-")
    ]
    assert [(row["count"], row["reason"], row["healed_by"]) for row in after] == [(3, "down", 2)]


# --- dead letters -----------------------------------------------------------------------------


def test_a_record_without_a_key_is_listed_and_shown_with_its_bytes(desk: Desk) -> None:
    desk.config.write_text(desk.config.read_text().replace('key = "id"', 'key = "sku"'))
    for row in desk.api.world.newest():
        if row.id != 15:
            desk.api.world.update(row.id, row.at, sku=f"S-{row.id}")
    ran = desk.run("once")

    letters = desk.run("dead-letters", "list", "--json").rows
    shown = desk.run("dead-letters", "show", str(letters[0]["id"]))

    assert "poller dead-letters list shop.orders" in ran.err
    assert [letter["reason"] for letter in letters] == ["key"]
    assert letters[0]["payload"] in shown.out


def test_a_page_that_is_none_is_kept_among_the_dead_letters(desk: Desk) -> None:
    desk.api.down(HtmlPage())
    desk.run("once")

    letters = desk.run("dead-letters", "list", "--json").rows

    assert [letter["reason"] for letter in letters] == ["page"]
    assert "<" in letters[0]["payload"]


def test_a_dead_letter_that_is_not_there_is_exit_2(desk: Desk) -> None:
    desk.run("once")

    assert desk.run("dead-letters", "show", "77").code == 2
