"""Mirror tables on SQLite: strict types, exact widening, and what users built on them stays."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from poller.core.errors import Fenced, StoreError
from poller.core.model import ColumnRule, Source, Stream
from poller.core.path import Path as JsonPath
from poller.store.streams import ensure_streams
from tests.store.world import ISSUES, World, issue, raw_record, with_columns

WIDENINGS = [
    # first, then: how the first is stored afterwards, its SQLite type, the column's type
    ("null", "true", None, "null", "boolean"),
    ("null", "1", None, "null", "integer"),
    ("true", '"yes"', "true", "text", "text"),
    ("false", "1", "false", "text", "text"),
    ("true", "{}", "true", "text", "json"),
    ("7", "1.5", 7.0, "real", "float"),
    ("7", "9007199254740993", 7, "integer", "bigint"),
    ("9007199254740993", "1.5", "9007199254740993", "text", "decimal"),
    ("7", "123456789012345678901234567890", "7", "text", "decimal"),
    ("0.1", "1.10000000000000000001", "0.1", "text", "decimal"),
    ("1e22", '"x"', "1e+22", "text", "text"),
    ("0.30000000000000004", '"x"', "0.30000000000000004", "text", "text"),
    ("1.10000000000000000001", '"x"', "1.10000000000000000001", "text", "text"),
    ("7", '"x"', "7", "text", "text"),
    ('"a\\"b\\u0000c"', "[1]", '"a\\"b\\u0000c"', "text", "json"),
    ('"x"', "7", "x", "text", "text"),
    ("[1]", "7", "[1]", "text", "json"),
]


@pytest.mark.parametrize(("first", "then", "stored", "kind", "column"), WIDENINGS)
def test_a_column_widens_without_changing_what_it_holds(
    world: World, first: str, then: str, stored: object, kind: str, column: str
) -> None:
    world.poll(raw_record(f'{{"id": 1, "c": {first}}}'))

    world.poll(raw_record(f'{{"id": 2, "c": {then}}}'))

    assert world.rows("SELECT c, typeof(c) FROM crm_issues WHERE id = 1") == [(stored, kind)]
    assert world.rows("SELECT type FROM poller_columns WHERE name = 'c'") == [(column,)]
    assert world.rows("SELECT _key, _seq FROM crm_issues") == [("1", 1), ("2", 2)]


def test_a_table_is_strict(world: World) -> None:
    world.poll(issue(1, votes=1))

    assert world.rows("SELECT strict FROM pragma_table_list WHERE name = 'crm_issues'") == [(1,)]
    assert world.rows("SELECT type FROM pragma_table_info('crm_issues') WHERE name = 'votes'") == [
        ("INTEGER",)
    ]


def test_indexes_triggers_and_views_of_users_outlive_a_widening(world: World) -> None:
    world.poll(issue(1, 0, votes=1))
    world.do("""
        CREATE INDEX by_votes ON crm_issues (votes);
        CREATE VIEW popular AS SELECT id FROM crm_issues WHERE votes > 0;
        CREATE TABLE log (id INTEGER);
        CREATE TRIGGER watch AFTER INSERT ON crm_issues BEGIN INSERT INTO log VALUES (new.id); END;
    """)

    world.poll(issue(2, 0, votes=2.5))

    assert world.rows("SELECT id FROM popular ORDER BY id") == [(1,), (2,)]
    assert world.rows("SELECT name FROM sqlite_master WHERE name IN ('by_votes', 'watch') ORDER BY name") == [
        ("by_votes",),
        ("watch",),
    ]
    assert world.rows("SELECT id FROM log") == [(2,)]


def test_two_fields_of_one_name_get_two_columns_and_both_are_recorded(world: World) -> None:
    world.poll(raw_record('{"id": 1, "userId": 5, "user_id": 6, "_hash": "x"}'))

    assert world.rows("SELECT user_id, user_id_2, _hash_2 FROM crm_issues") == [(5, 6, "x")]
    assert world.rows("SELECT name, field FROM poller_columns WHERE field LIKE 'user%' ORDER BY name") == [
        ("user_id", "userId"),
        ("user_id_2", "user_id"),
    ]


def test_a_stream_can_be_queried_before_its_first_row(world: World) -> None:
    assert world.rows('SELECT _key, "at" FROM crm_issues') == []


def test_a_rule_that_the_settings_dropped_leaves_its_column_which_goes_on(world: World) -> None:
    world.settle_in(with_columns(ColumnRule("city", JsonPath("address.city"))))
    world.poll(raw_record('{"id": 1, "n": 1, "address": {"city": "Oslo"}}'))

    world.settle_in(ISSUES)
    world.poll(raw_record('{"id": 1, "n": 1.5, "address": {"city": "Bergen"}}'))

    assert world.rows("SELECT city, n FROM crm_issues") == [("Bergen", 1.5)]


def test_a_new_rule_fills_its_column_from_what_is_there(world: World) -> None:
    world.poll(*(raw_record(f'{{"id": {number}, "a": {{"b": {number}}}}}') for number in range(5)))
    world.poll(raw_record('{"id": 9, "a": {"b": "nine"}}'))

    world.settle_in(with_columns(ColumnRule("b", JsonPath("a.b"))))

    assert world.rows("SELECT id, b FROM crm_issues ORDER BY id")[-2:] == [(4, "4"), (9, "nine")]
    assert world.rows("SELECT max(_seq) FROM crm_issues") == [(6,)]


def test_a_rule_with_another_path_fills_its_column_anew(world: World) -> None:
    world.settle_in(with_columns(ColumnRule("b", JsonPath("a.b"))))
    world.poll(raw_record('{"id": 1, "n": 7, "a": {"b": 1, "c": "two"}}'))

    world.settle_in(with_columns(ColumnRule("b", JsonPath("a.c")), ColumnRule("n", JsonPath("a.b"))))
    world.poll(raw_record('{"id": 2, "n": 8, "a": {"b": 3, "c": "four"}}'))

    assert world.rows("SELECT id, b, n FROM crm_issues ORDER BY id") == [(1, "two", 1), (2, "four", 3)]


def test_records_that_are_maps_keep_what_has_no_column_in_their_payload(world: World) -> None:
    fields = ", ".join(f'"f{number}": {number}' for number in range(1100))

    world.poll(raw_record(f'{{"id": 1, {fields}}}'))
    world.poll(raw_record(f'{{"id": 2, "yet another": 1, {fields}}}'))

    assert world.rows("SELECT count(*), max(f900) FROM crm_issues") == [(2, 900)]
    assert world.rows("SELECT count(*) FROM poller_columns") == [(1000,)]
    assert world.rows("SELECT kind, column_name FROM poller_schema_changes WHERE kind = 'full'") == [
        ("full", "_payload")
    ]
    assert '"f1099": 1099' in world.column("_payload")[0]


def test_new_columns_fence_off_the_run_that_does_not_know_them(world: World) -> None:
    run = world.begin()
    world.page(run, [raw_record('{"id": 1, "n": 1, "a": {"b": 1}}')])
    known(world, with_columns(ColumnRule("b", JsonPath("a.b"))))

    with pytest.raises(Fenced):
        world.page(run, [raw_record('{"id": 1, "n": 1.5, "a": {"b": 2}}')])
    world.poll(raw_record('{"id": 1, "n": 1.5, "a": {"b": 2}}'))

    assert world.rows("SELECT id, n, b FROM crm_issues ORDER BY id") == [(1, 1.5, 2)]


def known(world: World, *streams: Stream) -> None:
    ensure_streams(world.database, [Source("crm", "https://api.example", streams)])


def test_a_table_of_somebody_else_is_not_touched(world: World) -> None:
    world.do("CREATE TABLE invoices (id INTEGER)")

    with pytest.raises(StoreError, match="the database has a table of that name"):
        known(world, ISSUES, replace(ISSUES, name="invoices", table="Invoices"))


def test_a_stream_keeps_its_table(world: World) -> None:
    with pytest.raises(StoreError, match="mirrored into the table crm_issues, the settings say tickets"):
        known(world, replace(ISSUES, table="tickets"))


def test_a_stream_that_is_gone_is_marked_removed_and_can_come_back(world: World) -> None:
    world.poll(issue(1))
    states = "SELECT name, state, removed_at IS NULL FROM poller_streams ORDER BY name"

    known(world, replace(ISSUES, name="users", table="crm_users"))
    assert world.rows(states) == [("crm.issues", "removed", 0), ("crm.users", "active", 1)]
    known(world, ISSUES)

    assert world.rows(states) == [("crm.issues", "active", 1), ("crm.users", "removed", 0)]
    assert world.column("id") == [1]


STRANGE = [
    "",
    " ",
    "select",
    "rowid",
    "_rowid_",
    "oid",
    "_key",
    "_KEY",
    "Name",
    "name",
    "NAME",
    "na me",
    'quo"te',
    "semi;colon--",
    "😀",
    "😁",
    "x" * 300,
    "x" * 301,
    "\u00e9" * 40,
    "e\u0301" * 40,
    "2024",
    "nul\u0000",
    "İstanbul",
    "ﬁeld",
]


def test_every_name_becomes_a_column_of_its_own_and_is_recorded(world: World) -> None:
    fields = {name: number for number, name in enumerate(STRANGE)}

    world.poll(raw_record(json.dumps({"id": 1, **fields})))

    recorded = dict(world.rows("SELECT field, name FROM poller_columns"))
    assert set(recorded) == {"id", "at", *STRANGE}
    assert len({name.lower() for name in recorded.values()}) == len(recorded)
    assert all(len(name.encode()) <= 63 for name in recorded.values())
    for field, number in fields.items():
        assert world.rows(f'SELECT "{recorded[field]}" FROM crm_issues') == [(number,)]


def test_what_became_of_the_columns_can_be_read_like_a_diary(world: World) -> None:
    world.poll(raw_record('{"id": 1, "votes": 1, "userId": null}'))
    world.poll(raw_record('{"id": 2, "votes": 1.5, "userId": "u"}'))
    world.poll(raw_record('{"id": 3, "votes": "many", "tags": []}'))

    assert world.rows(
        "SELECT run_id, kind, column_name, field, from_type, to_type FROM poller_schema_changes ORDER BY id"
    ) == [
        (1, "column", "id", "id", None, "integer"),
        (1, "column", "votes", "votes", None, "integer"),
        (1, "column", "user_id", "userId", None, "unknown"),
        (2, "widened", "votes", "votes", "integer", "float"),
        (2, "widened", "user_id", "userId", "unknown", "text"),
        (3, "column", "tags", "tags", None, "json"),
        (3, "widened", "votes", "votes", "float", "text"),
    ]


def test_a_record_of_five_thousand_fields_is_held_whole_in_its_payload(world: World) -> None:
    payload = json.dumps({"id": 1, **{f"f{number}": number for number in range(5000)}})

    done = world.poll(raw_record(payload))

    assert (done.inserted, done.dead) == (1, 0)
    assert world.column("_payload") == [payload]
    assert world.rows("SELECT count(*) FROM pragma_table_info('crm_issues')") == [(1011,)]


def test_a_key_is_one_entity_however_its_number_is_written(world: World) -> None:
    world.poll(raw_record('{"id": 1, "n": 1}'))

    done = world.poll(raw_record('{"id": 1.0, "n": 2}'), raw_record('{"id": "1", "n": 3}'))

    assert (done.updated, done.inserted) == (1, 1)
    assert world.rows("SELECT _key, n FROM crm_issues ORDER BY _key") == [('"1"', 3), ("1", 2)]
