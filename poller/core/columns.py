"""Which columns a mirror table has: names and types, taken from the records and widened as they ask.

Types come from JSON types only and widen along one lattice; nothing is converted in silence::

    unknown ── boolean ───────────────────────────────┐
            ├─ integer ── bigint ─┐                   ├─ text ── json
            │      └───── float ──┴─ decimal ─────────┤
            └─ text ──────────────────────────────────┘

``unknown`` has only held null. ``integer`` is exact as a double (up to 2^53), ``bigint`` fits
into 63 bits; what a double cannot hold, or an integer beyond 63 bits, makes a column
``decimal``, which is text here because text is exact everywhere. Values that are no text
become their JSON text in a ``text`` column, and all values their JSON text in a ``json`` column.

``timestamp`` and ``date`` stand only where the settings say so, and never widen. A timestamp is
kept as canonical UTC text with nine fraction digits, which sorts and compares as time does and
which date functions read; a value that names no time is kept as it came. A date is kept as it
came. The text as received is always in ``_payload``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from poller.core.column_names import column_name
from poller.core.model import ColumnRule, Kind, Stream
from poller.core.page import Record
from poller.core.path import Path
from poller.core.position import TimeFormat

MOST_COLUMNS = 1000
"""Fields beyond this many stay in ``_payload`` alone: such records are maps, not rows."""

_EXACT_DOUBLE = 2**53
_BIGGEST = 2**63


class ColumnType(StrEnum):
    """What a column of a mirror table holds."""

    UNKNOWN = "unknown"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    BIGINT = "bigint"
    FLOAT = "float"
    DECIMAL = "decimal"
    TEXT = "text"
    JSON = "json"
    TIMESTAMP = "timestamp"
    DATE = "date"


PINNED = frozenset({ColumnType.TIMESTAMP, ColumnType.DATE, ColumnType.JSON})
"""Types that take every value, so that nothing widens them."""

_WIDER = {
    frozenset((ColumnType.INTEGER, ColumnType.BIGINT)): ColumnType.BIGINT,
    frozenset((ColumnType.INTEGER, ColumnType.FLOAT)): ColumnType.FLOAT,
    frozenset((ColumnType.INTEGER, ColumnType.DECIMAL)): ColumnType.DECIMAL,
    frozenset((ColumnType.BIGINT, ColumnType.FLOAT)): ColumnType.DECIMAL,
    frozenset((ColumnType.BIGINT, ColumnType.DECIMAL)): ColumnType.DECIMAL,
    frozenset((ColumnType.FLOAT, ColumnType.DECIMAL)): ColumnType.DECIMAL,
}
"""Two kinds of numbers; every other pair of scalars meets in text."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``path`` is set when the settings define the column; else ``field`` is a member's name."""

    name: str
    field: str
    type: ColumnType
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Widening:
    """A column whose type must hold more than it did."""

    column: Column
    to: ColumnType


@dataclass(frozen=True, slots=True)
class SchemaStep:
    """What a mirror table needs before a page fits.

    ``full``: there are as many columns as there may be; further fields stay in the payload.
    """

    added: tuple[Column, ...]
    widened: tuple[Widening, ...]
    full: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """The columns of one mirror table, in order, and how its stream writes time.

    ``full`` once fields were left out because there are :data:`MOST_COLUMNS` already.
    """

    columns: tuple[Column, ...] = ()
    how: TimeFormat = field(default_factory=TimeFormat)
    full: bool = False

    def after(self, step: SchemaStep) -> Catalog:
        """The catalog once ``step`` is done."""
        wider = {widening.column.name: widening.to for widening in step.widened}
        kept = tuple(replace(column, type=wider.get(column.name, column.type)) for column in self.columns)
        return replace(self, columns=(*kept, *step.added), full=self.full or step.full)


def columns_of_settings(stream: Stream) -> tuple[Column, ...]:
    """The columns that the settings name: those of ``columns``, and the one of ``updated_at``."""
    named = tuple(_ruled(rule) for rule in stream.columns)
    where = stream.updated_at
    if where is None or where.names is None or len(where.names) != 1 or _counts(stream):
        return named
    taken = {column.name for column in named}
    if column_name(where.text, frozenset()) in taken:
        return named
    return (*named, Column(column_name(where.text, taken), where.text, ColumnType.TIMESTAMP))


class Found(NamedTuple):
    """What one column finds in the records of a page: a value each, and the Python types among them."""

    values: Sequence[Any]
    kinds: frozenset[type]


def lay_out(catalog: Catalog, records: Sequence[Record]) -> list[Found]:
    """The decoded values of ``records``, column by column, in the catalog's order: read once per page."""
    fields = [record.fields for record in records]
    members = _members([column.field for column in catalog.columns if column.path is None], fields)
    return [
        _seen(next(members) if column.path is None else [column.path.find(each) for each in fields])
        for column in catalog.columns
    ]


def plan_columns(catalog: Catalog, records: Sequence[Record], found: Sequence[Found]) -> SchemaStep | None:
    """What the table needs before it can hold ``records``, laid out as ``found``; None when they fit."""
    widened = tuple(
        Widening(column, to)
        for column, held in zip(catalog.columns, found, strict=True)
        if column.type not in PINNED and (to := join(column.type, _narrowest(held))) is not column.type
    )
    fresh = [] if catalog.full else _unknown(catalog, records)
    added = _named(catalog, fresh[: MOST_COLUMNS - len(catalog.columns)], records)
    full = len(fresh) > MOST_COLUMNS - len(catalog.columns)
    return SchemaStep(added, widened, full) if added or widened or full else None


def join(one: ColumnType, other: ColumnType) -> ColumnType:
    """The narrowest type of the lattice that holds what both hold."""
    if one is other or ColumnType.UNKNOWN in (one, other):
        return one if other is ColumnType.UNKNOWN else other
    if ColumnType.JSON in (one, other):
        return ColumnType.JSON
    return _WIDER.get(frozenset((one, other)), ColumnType.TEXT)


def type_of(values: Sequence[Any]) -> ColumnType:
    """The narrowest type that holds all of these JSON values."""
    return _narrowest(_seen(values))


_TYPES: Mapping[type, ColumnType] = {
    type(None): ColumnType.UNKNOWN,
    bool: ColumnType.BOOLEAN,
    float: ColumnType.FLOAT,
    Decimal: ColumnType.DECIMAL,
    str: ColumnType.TEXT,
    dict: ColumnType.JSON,
    list: ColumnType.JSON,
}


def _counts(stream: Stream) -> bool:
    """Whether positions are numbers, which need no column type of their own."""
    return stream.since is not None and stream.since.kind is Kind.INTEGER


def _ruled(rule: ColumnRule) -> Column:
    kind = ColumnType.UNKNOWN if rule.type is None else ColumnType(rule.type)
    return Column(column_name(rule.name, ()), rule.path.text, kind, rule.path)


def _members(names: Sequence[str], fields: Sequence[dict[str, Any]]) -> Iterator[Sequence[Any]]:
    """The values of each named member; None where a record lacks it."""
    if len(names) > 1 and fields:
        try:
            return iter(list(zip(*map(itemgetter(*names), fields), strict=True)))
        except KeyError:
            pass  # some record lacks some member: the slower way
    return ([each.get(name) for each in fields] for name in names)


def _seen(values: Sequence[Any]) -> Found:
    return Found(values, frozenset(map(type, values)))


def _narrowest(found: Found) -> ColumnType:
    kind = reduce(join, (_TYPES[kind] for kind in found.kinds if kind is not int), ColumnType.UNKNOWN)
    if int in found.kinds:
        whole = found.values
        if len(found.kinds) > 1:
            whole = [value for value in found.values if type(value) is int]
        kind = join(kind, _integer_type(min(whole), max(whole)))
    return kind


def _unknown(catalog: Catalog, records: Sequence[Record]) -> list[str]:
    """Members that have no column, in the order in which they come up."""
    known = {column.field for column in catalog.columns if column.path is None}
    strange = [record.fields for record in records if not record.fields.keys() <= known]
    return [name for name in dict.fromkeys(chain.from_iterable(strange)) if name not in known]


def _named(catalog: Catalog, fields: Sequence[str], records: Sequence[Record]) -> tuple[Column, ...]:
    """Columns for new fields. A field whose own name a rule of the settings uses is overridden by it."""
    ruled = {column.name for column in catalog.columns if column.path is not None}
    taken = {column.name for column in catalog.columns}
    added: list[Column] = []
    for name in fields:
        if column_name(name, ()) in ruled:
            continue
        chosen = column_name(name, taken)
        taken.add(chosen)
        kind = type_of([record.fields.get(name) for record in records])
        added.append(Column(chosen, name, kind))
    return tuple(added)


def _integer_type(lowest: int, highest: int) -> ColumnType:
    if lowest >= -_EXACT_DOUBLE and highest <= _EXACT_DOUBLE:
        return ColumnType.INTEGER
    return ColumnType.BIGINT if lowest >= -_BIGGEST and highest < _BIGGEST else ColumnType.DECIMAL
