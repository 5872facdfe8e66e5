"""Names, types and values of a mirror's columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.core.column_names import META, column_name
from poller.core.column_values import stored, widened_value
from poller.core.columns import (
    MOST_COLUMNS,
    Catalog,
    Column,
    ColumnType,
    SchemaStep,
    Widening,
    columns_of_settings,
    join,
    lay_out,
    plan_columns,
    type_of,
)
from poller.core.model import ColumnRule, Kind, SinceRule
from poller.core.page import Record
from poller.core.path import Path
from poller.core.position import TimeFormat
from tests.store.world import with_columns

B, N, W, F, D, T, J, U = (
    ColumnType.BOOLEAN,
    ColumnType.INTEGER,
    ColumnType.BIGINT,
    ColumnType.FLOAT,
    ColumnType.DECIMAL,
    ColumnType.TEXT,
    ColumnType.JSON,
    ColumnType.UNKNOWN,
)
LATTICE = (U, B, N, W, F, D, T, J)
TYPES = st.sampled_from(LATTICE)


def records(*fields: dict[str, Any]) -> list[Record]:
    return [Record(str(number), None, None, "{}", each, "") for number, each in enumerate(fields)]


def needed(catalog: Catalog, page: list[Record]) -> SchemaStep | None:
    return plan_columns(catalog, page, lay_out(catalog, page))


def rows(catalog: Catalog, page: list[Record], *positions: str | None) -> list[Sequence[Any]]:
    return stored(catalog, page, lay_out(catalog, page), positions or [None] * len(page))


def columns(**types: ColumnType) -> Catalog:
    return Catalog(tuple(Column(name, name, kind) for name, kind in types.items()))


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("id", "id"),
        ("userId", "user_id"),
        ("UserID", "user_id"),
        ("HTTPStatusCode", "http_status_code"),
        ("user-id", "user_id"),
        ("order line", "order_line"),
        ("größe", "größe"),
        ("", "field"),
        ("2024", "_2024"),
        ("_links", "_links"),
        ("_hash", "_hash_2"),
        ("Page1Size", "page1_size"),
        ("$ref", "_ref"),
    ],
)
def test_a_field_is_named_in_snake_case(name: str, column: str) -> None:
    assert column_name(name, ()) == column


def test_a_long_name_ends_in_a_hash_of_itself() -> None:
    one, other = (column_name("é" * 60 + end, ()) for end in ("a", "b"))

    assert one[:27] == other[:27] == "é" * 27
    assert one != other
    assert len(one.encode()) == 63


@given(st.lists(st.text(max_size=90), max_size=12, unique=True))
def test_names_are_unique_short_and_never_those_of_the_house(fields: list[str]) -> None:
    taken: list[str] = []
    for name in fields:
        taken.append(column_name(name, taken))

    assert len(set(taken)) == len(taken)
    assert not set(taken) & set(META)
    assert all(len(name.encode()) <= 63 and name == name.lower() for name in taken)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([None], U),
        ([], U),
        ([True, None], B),
        ([0, 2**53], N),
        ([2**53 + 1], W),
        ([-(2**63)], W),
        ([2**63], D),
        ([1.5], F),
        ([1, 1.5], F),
        ([2**53 + 1, 1.5], D),
        ([Decimal("1.10000000000000000001")], D),
        (["a"], T),
        (["a", 1], T),
        ([True, 1], T),
        ([{}], J),
        ([[], "a", 1], J),
    ],
)
def test_a_type_comes_from_json_types_only(values: list[Any], kind: ColumnType) -> None:
    assert type_of(values) is kind


@given(TYPES, TYPES, TYPES)
def test_widening_is_a_lattice(one: ColumnType, two: ColumnType, three: ColumnType) -> None:
    assert join(one, two) is join(two, one)
    assert join(one, one) is one
    assert join(join(one, two), three) is join(one, join(two, three))


SAMPLES: dict[ColumnType, list[Any]] = {
    U: [],
    B: [True, False],
    N: [0, -7, 2**53],
    W: [2**53 + 1, -(2**63)],
    F: [1.5, -0.1, 1e22, 5e-324],
    D: [2**70, Decimal("1.10000000000000000001"), Decimal("1E+400")],
    T: ["", "007", 'say "hi"\x00\n', "null", "é"],
    J: [{"a": [1, None]}, [1.5], []],
}
CHAIN = [(a, b) for a, b in product(LATTICE, LATTICE) if a is not b and join(a, b) is b]


@pytest.mark.parametrize(("old", "new"), CHAIN, ids=[f"{a}-{b}" for a, b in CHAIN])
def test_a_widened_value_is_what_the_wider_column_would_have_stored(old: ColumnType, new: ColumnType) -> None:
    found = records(*({"c": value} for value in SAMPLES[old]), {"c": None})

    (narrow,) = rows(columns(c=old), found)
    (wide,) = rows(columns(c=new), found)

    assert [widened_value(value, old, new) for value in narrow] == list(wide)


@pytest.mark.parametrize(("kind"), LATTICE[1:])
def test_no_value_is_lost_in_its_column(kind: ColumnType) -> None:
    (held,) = rows(columns(c=kind), records(*({"c": value} for value in SAMPLES[kind])))

    read = [_back(kind, value) for value in held]

    assert read == [Decimal(v) if kind is D else v for v in SAMPLES[kind]]


def _back(kind: ColumnType, stored: Any) -> Any:  # noqa: ANN401
    if kind is J:
        return json.loads(stored)
    return Decimal(stored) if kind is D else stored


@pytest.mark.parametrize("wider", [T, J])
def test_distinct_values_stay_distinct_in_a_json_column(wider: ColumnType) -> None:
    found = records({"c": 1}, {"c": "1"}, {"c": True}, {"c": "true"}, {"c": 1.5}, {"c": None})

    (held,) = rows(columns(c=wider), found)

    texts = {T: ["1", "1", "true", "true", "1.5", None], J: ["1", '"1"', "true", '"true"', "1.5", None]}
    assert list(held) == texts[wider]


def test_new_fields_become_columns_in_their_order_and_null_alone_makes_one_too() -> None:
    step = needed(columns(id=N), records({"id": 1, "userId": 5}, {"id": 2, "user_id": "x", "note": None}))

    assert step == SchemaStep(
        (Column("user_id", "userId", N), Column("user_id_2", "user_id", T), Column("note", "note", U)), ()
    )


def test_records_that_fit_ask_for_nothing() -> None:
    catalog = columns(id=N, name=T, total=F)

    assert needed(catalog, records({"id": 1, "name": "a", "total": 2}, {"id": 2})) is None
    assert needed(catalog, []) is None


def test_a_column_widens_as_the_values_ask_and_the_catalog_follows() -> None:
    catalog = columns(id=N, total=N)

    step = needed(catalog, records({"id": 1, "total": 1.5}))

    assert step == SchemaStep((), (Widening(Column("total", "total", N), F),))
    assert catalog.after(step) == columns(id=N, total=F)


def test_too_many_fields_stay_in_the_payload_and_are_noted_once() -> None:
    found = records({f"f{number}": number for number in range(MOST_COLUMNS + 5)})

    step = needed(Catalog(), found)

    assert step is not None
    assert (len(step.added), step.full) == (MOST_COLUMNS, True)
    assert needed(Catalog().after(step), found) is None


def test_the_settings_add_columns_and_override_them() -> None:
    stream = with_columns(
        ColumnRule("city", Path("address.city")),
        ColumnRule("total", Path("total"), "decimal"),
        ColumnRule("born", Path("born"), "date"),
    )
    catalog = Catalog(columns_of_settings(stream))
    found = records(
        {"at": "2026-11-21T12:00:00+01:00", "total": 2, "born": "1990-01-02", "address": {"city": "Oslo"}}
    )

    step = needed(catalog, found)
    assert step is not None
    catalog = catalog.after(step)

    assert [(column.name, column.type.value) for column in catalog.columns] == [
        ("city", "text"),
        ("total", "decimal"),
        ("born", "date"),
        ("at", "timestamp"),
        ("address", "json"),
    ]
    assert [values[0] for values in rows(catalog, found)] == [
        "Oslo",
        "2",
        "1990-01-02",
        "2026-11-21T11:00:00.000000000Z",
        '{"city":"Oslo"}',
    ]


def test_a_rule_for_the_position_overrides_its_timestamp() -> None:
    stream = with_columns(ColumnRule("at", Path("at"), "text"))

    assert [(column.name, column.type) for column in columns_of_settings(stream)] == [("at", T)]


def test_a_position_inside_a_nested_value_has_no_column_of_its_own() -> None:
    stream = replace(with_columns(), updated_at=Path("meta.at"))

    assert columns_of_settings(stream) == ()


def test_timestamps_sort_as_text_and_what_names_no_time_is_kept_as_it_came() -> None:
    catalog = Catalog((Column("at", "at", ColumnType.TIMESTAMP),), TimeFormat(zone="Europe/Oslo"))
    found = records(
        {"at": "2026-11-21T12:00:00"},
        {"at": "2026-11-21T11:00:00.000000001Z"},
        {"at": 1795258801},
        {"at": "soon"},
        {"at": False},
        {"at": None},
    )

    assert needed(catalog, found) is None
    (held,) = rows(catalog, found)

    assert list(held[:3]) == [
        "2026-11-21T11:00:00.000000000Z",
        "2026-11-21T11:00:00.000000001Z",
        "2026-11-21T11:00:01.000000000Z",
    ]
    assert all(earlier < later for earlier, later in pairwise(held[:3]))
    assert list(held[3:]) == ["soon", "false", None]


def test_a_date_that_is_no_text_is_its_json_text() -> None:
    (held,) = rows(columns(d=ColumnType.DATE), records({"d": "2026-11-21"}, {"d": 20261121}))

    assert list(held) == ["2026-11-21", "20261121"]


def test_the_position_of_a_record_is_not_read_a_second_time() -> None:
    at = "2026-11-21T12:00:00Z"
    catalog = Catalog(tuple(Column(name, name, ColumnType.TIMESTAMP) for name in ("at", "other")))
    page = [Record("1", 0, at, "{}", {"at": at, "other": "2026-11-21T12:00:01Z"}, "")]

    held = rows(catalog, page, "what was read")

    assert held == [["what was read"], ["2026-11-21T12:00:01.000000000Z"]]


def test_numbers_that_are_positions_are_no_moments() -> None:
    catalog = Catalog(
        (Column("seq", "seq", N), Column("at", "at", ColumnType.TIMESTAMP)), TimeFormat("integer")
    )
    page = [Record("1", 10**30 + 17, "17", "{}", {"seq": 17, "at": "2026-11-21T12:00:00Z"}, "")]

    held = rows(catalog, [*page, page[0]._replace(fields={"seq": 18, "at": None})], None, None)

    assert held[0] == (17, 18)
    assert held[1] == ["2026-11-21T12:00:00.000000000Z", None]


def test_a_position_that_is_a_number_has_no_timestamp_column() -> None:
    counted = replace(with_columns(), since=SinceRule(kind=Kind.INTEGER))

    assert columns_of_settings(counted) == ()


def test_columns_are_filled_whether_or_not_every_record_has_every_member() -> None:
    catalog = columns(a=N, b=T)

    assert rows(catalog, records({"a": 1, "b": "x"}, {"b": "y", "a": 2})) == [(1, 2), ("x", "y")]
    assert rows(catalog, records({"a": 1}, {"b": "y"}, {})) == [[1, None, None], [None, "y", None]]
    assert rows(catalog, []) == [[], []]
