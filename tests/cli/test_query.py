"""``poller query`` reads the mirror in any form, and cannot do anything else."""

from __future__ import annotations

import csv
import io

import pytest

from tests.cli.world import Desk


@pytest.fixture
def polled(desk: Desk) -> Desk:
    desk.run("once")
    return desk


def test_sql_is_answered_as_a_table_without_pollers_own_columns(polled: Desk) -> None:
    lines = polled.run("query", "select * from shop_orders where id = 1").out.splitlines()

    assert lines[0].split() == ["updated_at", "id", "version", "name"]
    assert lines[1].split()[1:] == ["1", "1", "row", "1"]


def test_pollers_own_columns_are_there_when_named_or_asked_for(polled: Desk) -> None:
    named = polled.run("query", "select _key, id from shop_orders limit 1", "--json").rows[0]
    asked = polled.run("query", "select * from shop_orders limit 1", "--meta", "--json").rows[0]

    assert set(named) == {"_key", "id"}
    assert {"_key", "_position", "_payload", "_seq", "id"} <= set(asked)


def test_a_stream_with_conditions_needs_no_sql(polled: Desk) -> None:
    ran = polled.run(
        *("query", "shop.orders", "--where", "id > 27", "--order-by", "id desc"),
        *("--limit", "2", "--columns", "id,name", "--json"),
    )

    assert ran.rows == [{"id": 30, "name": "row 30"}, {"id": 29, "name": "row 29"}]


def test_csv_has_a_header_and_quotes_what_needs_it(polled: Desk) -> None:
    ran = polled.run("query", "select id, 'a,b' as both, null as none from shop_orders where id = 1", "--csv")

    assert list(csv.reader(io.StringIO(ran.out))) == [["id", "both", "none"], ["1", "a,b", ""]]


def test_a_wrong_table_or_column_gets_the_one_that_was_meant(polled: Desk) -> None:
    table = polled.run("query", "select * from shop_order")
    column = polled.run("query", "select update_at from shop_orders")

    assert (table.code, column.code) == (2, 2)
    assert "did you mean shop_orders?" in table.err
    assert "did you mean updated_at?" in column.err


def test_a_syntax_error_is_one_message(polled: Desk) -> None:
    ran = polled.run("query", "selekt 1")

    assert ran.code == 2
    assert 'near "selekt": syntax error' in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "sql",
    [
        "delete from shop_orders",
        "update shop_orders set name = ''",
        "drop table shop_orders",
        "create table t (a)",
    ],
)
def test_nothing_can_be_written(polled: Desk, sql: str) -> None:
    ran = polled.run("query", sql)

    assert ran.code == 2
    assert "can only read" in ran.err
    assert polled.run("query", "select count(*) as n from shop_orders", "--json").rows == [{"n": 30}]


def test_no_rows_is_said_on_stderr(polled: Desk) -> None:
    ran = polled.run("query", "select * from shop_orders where id = 99")

    assert (ran.code, ran.out, ran.err) == (0, "", "no rows\n")


def test_a_long_stream_is_cut_in_a_table_and_says_so_but_not_in_json(polled: Desk) -> None:
    polled.api.clock.advance(10)
    polled.api.world.insert_many(100)
    polled.run("once")

    table, lines = polled.run("query", "shop.orders"), polled.run("query", "shop.orders", "--json")

    assert len(table.out.splitlines()) == 101
    assert "the first 100 rows" in table.err
    assert len(lines.rows) == 130


def test_options_of_a_stream_beside_sql_are_refused_and_so_are_two_forms(polled: Desk) -> None:
    assert polled.run("query", "select 1", "--where", "id = 1").code == 2
    assert polled.run("query", "select 1", "--json", "--csv").code == 2


def test_names_that_a_join_brings_twice_lose_no_value_in_json(polled: Desk) -> None:
    ran = polled.run("query", "select 1 as a, 2 as a", "--json")

    assert ran.rows == [{"a": 1, "a_2": 2}]


def test_text_that_would_drive_the_terminal_is_shown_and_not_obeyed(polled: Desk) -> None:
    ran = polled.run("query", "select 'a' || char(27) || '[2J' as x, 'l1' || char(10) || 'l2' as y")

    assert "\x1b" not in ran.out
    assert r"a\x1b[2J" in ran.out
    assert len(ran.out.splitlines()) == 2
