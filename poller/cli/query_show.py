"""Shows what a query answered: a table, blocks where a table is too wide, JSON Lines or CSV."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from poller.cli.options import Options

if TYPE_CHECKING:
    from poller.store.views_query import Answered

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Form:
    """``meta``: poller's own columns are shown. ``at_most``: rows that a table shows, None shows all."""

    shape: Literal["table", "json", "csv"]
    meta: bool
    at_most: int | None


def show(found: Answered, sql: str, form: Form, options: Options) -> None:
    """Write the answer to stdout, in its form."""
    kept = _kept(found.columns, sql, form)
    names = [found.columns[index] for index in kept]
    rows = ([row[index] for index in kept] for row in found.rows)
    if form.shape == "json":
        _as_json(names, rows)
    elif form.shape == "csv":
        _as_csv(names, rows)
    else:
        _as_table(names, rows, form.at_most, options)


def _kept(columns: Sequence[str], sql: str, form: Form) -> list[int]:
    """Which columns to show: without ``--meta`` none of poller's own that the statement does not name."""
    from poller.core.column_names import META

    hidden = (
        set()
        if form.meta
        else {name for name in META if not re.search(rf"\b{name}\b", sql.partition(" FROM ")[0])}
    )
    kept = [index for index, name in enumerate(columns) if name not in hidden]
    return kept or list(range(len(columns)))


def _as_json(names: Sequence[str], rows: Iterable[Row]) -> None:
    from poller.cli.screen import json_lines

    unique = list(_unique(names))
    json_lines({name: _jsonable(value) for name, value in zip(unique, row, strict=True)} for row in rows)


def _as_csv(names: Sequence[str], rows: Iterable[Row]) -> None:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(["" if value is None else _text(value) for value in row])


def _as_table(names: Sequence[str], rows: Iterable[Row], at_most: int | None, options: Options) -> None:
    from poller.cli import screen

    found = list(rows if at_most is None else islice(rows, at_most + 1))
    if not found:
        screen.note("no rows", options)
        return
    more = at_most is not None and len(found) > at_most
    cells = [[_text(value) for value in row] for row in found[:at_most]]
    if sys.stdout.isatty() and not screen.fits(names, cells):
        _as_blocks(names, cells)
    else:
        numeric = [
            all(isinstance(value, int | float | None) for value in column)
            for column in zip(*found, strict=True)
        ]
        columns = [
            screen.Column(name, right, cut=True, verbatim=True)
            for name, right in zip(names, numeric, strict=True)
        ]
        screen.show(columns, cells, options)
    if more:
        screen.note(f"the first {at_most} rows; --limit shows more", options)


def _as_blocks(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """One block per row, a line per column: what a terminal is too narrow to show side by side."""
    from poller.cli.screen import one_line

    size = max(map(len, names))
    for number, row in enumerate(rows, 1):
        print(f"--- row {number}")
        for name, cell in zip(names, row, strict=True):
            print(f"{name:<{size}}  {one_line(cell)}".rstrip())


def _text(value: Any) -> str:  # noqa: ANN401 (any SQL value)
    if value is None:
        return "NULL"
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _jsonable(value: Any) -> Any:  # noqa: ANN401 (any SQL value)
    """JSON has no infinities and no bytes; text that is no UTF-8 is escaped."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value


def _unique(names: Sequence[str]) -> Iterator[str]:
    """A name that a join brings twice gets ``_2``, so that no value is lost in JSON."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}_{seen[name]}"
