"""Any JSON value, through the mirror and back: the standard library reads what was sent and what is held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.world import ISSUES, World, raw_record

NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
) | st.sampled_from(
    [
        "-0",
        "-0.0",
        "1E5",
        "1e400",
        "1e-400",
        "9007199254740993",
        "9223372036854775808",
        "-9223372036854775808",
    ]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.sampled_from(["null", "true", "false"]) | NUMBERS | st.builds(json.dumps, TEXTS)
NAMES = st.sampled_from(["a", "A", "b", "a_b", "aB", "_hash", "select", "", "é", "😀"]) | TEXTS


def _list(parts: list[str]) -> str:
    return f"[{', '.join(parts)}]"


def _object(members: dict[str, str]) -> str:
    return (
        "{"
        + ", ".join(f"{json.dumps(name, ensure_ascii=False)}: {value}" for name, value in members.items())
        + "}"
    )


VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(_list) | st.dictionaries(TEXTS, inner, max_size=3).map(_object)
    ),
    max_leaves=6,
)
RECORDS = st.dictionaries(NAMES.filter(lambda name: name not in ("id", "at")), VALUES, max_size=5)
PAGES = st.lists(st.lists(RECORDS, min_size=1, max_size=3), min_size=1, max_size=3)


def exact(text: str) -> Any:  # noqa: ANN401 (any JSON value)
    return _marked(json.loads(text, parse_float=Decimal))


def _marked(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    """``value`` so that ``==`` tells true from 1, and equal numbers are equal."""
    if isinstance(value, dict):
        return {name: _marked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_marked(each) for each in value]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return ("number", Decimal(value))
    return (type(value).__name__, value)


def understood(kind: str, held: Any) -> Any:  # noqa: ANN401 (any SQL value)
    """What a column of that type says that the record holds; text columns are looked at apart."""
    if held is None:
        return ("NoneType", None)
    if kind == "boolean":
        return ("bool", bool(held))
    if kind == "json":
        return exact(held)
    return ("number", Decimal(repr(held) if isinstance(held, float) else held))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("values") / "mirror.db")
    yield world
    world.close()


_TABLES = count()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PAGES)
def test_every_value_is_held_exactly_however_its_column_was_widened(
    shared: World, pages: list[list[dict[str, str]]]
) -> None:
    number = next(_TABLES)
    shared.settle_in(replace(ISSUES, name=f"s{number}", table=f"t{number}", updated_at=None))
    sent: dict[str, str] = {}

    for page, rows in enumerate(pages):
        texts = {
            str(100 * page + row): _object({"id": str(100 * page + row), **each})
            for row, each in enumerate(rows)
        }
        sent |= texts
        shared.poll(*(raw_record(text, shared.stream) for text in texts.values()))

    assert dict(shared.rows(f"SELECT _key, _payload FROM t{number}")) == sent
    columns = shared.rows(
        "SELECT c.name, c.field, c.type FROM poller_columns c JOIN poller_streams s ON s.id = c.stream_id"
        " WHERE s.name = ?",
        str(shared.stream),
    )
    assert {field for _, field, _ in columns} == {name for text in sent.values() for name in json.loads(text)}
    for name, field, kind in columns:
        quoted = name.replace('"', '""')
        for key, held in shared.rows(f'SELECT _key, "{quoted}" FROM t{number}'):
            truth = exact(sent[key]).get(field, ("NoneType", None))
            if kind == "text" and isinstance(truth, tuple) and truth[0] == "str":
                assert held == truth[1]
            elif kind == "text" and held is not None:
                assert exact(held) == truth
            else:
                assert understood(kind, held) == truth
