"""What a column of a mirror table stores of a JSON value; nothing is converted in silence.

A timestamp becomes canonical UTC text with nine fraction digits; a value that names no time is
kept as it came. What is no text stands in a ``text`` column as its JSON text, and everything does
in a ``json`` column. Numbers in a ``decimal`` column are JSON text too, which is exact everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from poller.core.columns import Catalog, ColumnType, Found
from poller.core.page import Record
from poller.core.position import TimeFormat, canonical, parse


def stored(
    catalog: Catalog, records: Sequence[Record], found: Sequence[Found], positions: Sequence[str | None]
) -> list[Sequence[Any]]:
    """What the columns store of ``records``, laid out as ``found``; None is null.

    ``positions`` are those of the records, in canonical text.
    """
    return [
        _moments(held, records, positions, catalog.how)
        if column.type is ColumnType.TIMESTAMP
        else _written(column.type, held)
        for column, held in zip(catalog.columns, found, strict=True)
    ]


def widened_value(value: Any, old: ColumnType, new: ColumnType) -> Any:  # noqa: ANN401 (any SQL value)
    """A stored value of a column of type ``old`` as a column of type ``new`` stores it."""
    if value is None or old is new or old is ColumnType.DECIMAL:
        return value
    if old is ColumnType.BOOLEAN:
        return _json_text(bool(value))
    if new is ColumnType.FLOAT:
        return float(value)
    return value if new is ColumnType.BIGINT else _json_text(value)


_JSON = msgspec.json.Encoder(decimal_format="number")
_NULL = type(None)
_AS_THEY_ARE: Mapping[ColumnType, frozenset[type]] = {
    ColumnType.UNKNOWN: frozenset({_NULL}),
    ColumnType.BOOLEAN: frozenset({_NULL, bool}),
    ColumnType.INTEGER: frozenset({_NULL, int}),
    ColumnType.BIGINT: frozenset({_NULL, int}),
    ColumnType.FLOAT: frozenset({_NULL, float}),
    ColumnType.DECIMAL: frozenset({_NULL}),
    ColumnType.TEXT: frozenset({_NULL, str}),
    ColumnType.JSON: frozenset({_NULL}),
    ColumnType.DATE: frozenset({_NULL, str}),
}
"""Values that a column stores without being rewritten."""


def _written(kind: ColumnType, found: Found) -> Sequence[Any]:
    if found.kinds <= _AS_THEY_ARE[kind]:
        return found.values
    write = _WRITE[kind]
    return [None if value is None else write(value) for value in found.values]


def _moments(
    found: Found, records: Sequence[Record], positions: Sequence[str | None], how: TimeFormat
) -> list[str | None]:
    """Timestamps; what gave a record its position was read once, and is not read again."""
    if how.format == "integer":  # positions of this stream are no moments
        return [None if value is None else _timestamp(value, TimeFormat()) for value in found.values]
    return [
        position
        if value is record.position_text and position is not None
        else None
        if value is None
        else _timestamp(value, how)
        for value, record, position in zip(found.values, records, positions, strict=True)
    ]


def _timestamp(value: Any, how: TimeFormat) -> str:  # noqa: ANN401 (any JSON value)
    position = parse(value, how)
    return _text(value) if position is None else canonical(position)


def _text(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    return value if isinstance(value, str) else _json_text(value)


def _json_text(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    if type(value) is float:
        return repr(value)
    return _JSON.encode(value).decode()


_WRITE: Mapping[ColumnType, Callable[[Any], Any]] = {
    ColumnType.FLOAT: float,
    ColumnType.DECIMAL: _text,
    ColumnType.TEXT: _text,
    ColumnType.JSON: _json_text,
    ColumnType.DATE: _text,
}
