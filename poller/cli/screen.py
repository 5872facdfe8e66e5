"""Puts rows on stdout: a table for people, plain columns for a pipe, JSON Lines or CSV for programs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poller.cli.options import Options

GAP = "  "
NARROWEST = 10
"""Characters that a column keeps when it is cut to make the table fit, if it says nothing else."""

COLOURS = {
    **dict.fromkeys(("ok", "insert", "healed"), "green"),
    **dict.fromkeys(("down", "failed", "killed", "blocked", "delete", "refused"), "bold red"),
    **dict.fromkeys(("late", "partial", "stopped", "open", "caution"), "yellow"),
    **dict.fromkeys(("new", "healing", "running", "update"), "cyan"),
}
"""Words of the columns that are coloured; every other word stays plain."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title and its manners."""

    title: str
    numeric: bool = False
    """Stands on the right."""
    coloured: bool = False
    """Its words are states or outcomes."""
    spare: bool = False
    """Left out on a terminal that is too narrow for all."""
    cut: bool = False
    """Shortened on a terminal that is too narrow even then."""
    least: int = NARROWEST
    """Characters that it keeps when it is cut."""
    verbatim: bool = False
    """The title is a name of the database's, and shown as it is; others stand in capitals."""

    @property
    def heading(self) -> str:
        return self.title if self.verbatim else self.title.upper()


def show(columns: Sequence[Column], rows: Sequence[Sequence[str]], options: Options) -> None:
    """A table. A pipe gets every column in full and no colours."""
    if sys.stdout.isatty():
        _on_a_terminal(columns, rows, options)
    else:
        for line in plain(columns, rows):
            print(line)


def plain(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Aligned columns, a header, two spaces between, one row a line."""
    flat = [[one_line(cell) for cell in row] for row in rows]
    titles = [column.heading for column in columns]
    widths = _widths([titles, *flat])
    for row in [titles, *flat]:
        cells = (_set(cell, width, column) for cell, width, column in zip(row, widths, columns, strict=True))
        yield GAP.join(cells).rstrip()


def json_lines(rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object per line; numbers exact."""
    import msgspec

    encode = msgspec.json.Encoder(decimal_format="number").encode
    out = sys.stdout.buffer
    sys.stdout.flush()
    for row in rows:
        out.write(encode(row) + b"\n")
    out.flush()


def note(text: str, options: Options) -> None:
    """Something to say about what was asked for: on stderr, and not with ``--quiet``."""
    if not options.quiet:
        print(text, file=sys.stderr)


def warn(text: str) -> None:
    """Something that should not be overlooked: on stderr, always."""
    from poller.cli.logs import REDACTOR

    print(REDACTOR.clean(f"warning: {text}"), file=sys.stderr)


def width() -> int:
    """Columns of the terminal; 80 when nobody says."""
    return shutil.get_terminal_size((80, 24)).columns


def fits(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the terminal can show every column, cut where that helps."""
    narrow = [min(each, NARROWEST) for each in _widths([titles, *rows])]
    return _total(narrow) <= width()


def _on_a_terminal(columns: Sequence[Column], rows: Sequence[Sequence[str]], options: Options) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    flat = [[one_line(cell) for cell in row] for row in rows]
    natural = _widths([[column.title for column in columns], *flat])
    floors = [min(w, c.least) if c.cut else w for w, c in zip(natural, columns, strict=True)]
    kept = _kept(columns, floors)
    least = [min(floors[index], NARROWEST) if columns[index].cut else natural[index] for index in kept]
    widths = _shrunk(_shrunk([natural[index] for index in kept], [floors[index] for index in kept]), least)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", collapse_padding=True)
    for index, size in zip(kept, widths, strict=True):
        column = columns[index]
        table.add_column(
            column.heading,
            justify="right" if column.numeric else "left",
            no_wrap=True,
            overflow="ellipsis",
            width=size,
        )
    for row in flat:
        table.add_row(
            *(Text(row[i], style=COLOURS.get(row[i], "") if columns[i].coloured else "") for i in kept)
        )
    plain_asked = options.no_color or "NO_COLOR" in os.environ
    Console(color_system=None if plain_asked else "auto", highlight=False, width=width()).print(table)


def _kept(columns: Sequence[Column], floors: Sequence[int]) -> list[int]:
    """The columns that there is room for: spare ones go first, the last of them first."""
    kept = list(range(len(columns)))
    for index in reversed(range(len(columns))):
        if _total([floors[i] for i in kept]) <= width():
            break
        if columns[index].spare:
            kept.remove(index)
    return kept


def _shrunk(natural: Sequence[int], floors: Sequence[int]) -> list[int]:
    """The widths that fit: the widest of the columns that may be cut gives first.

    Rich would take from all of them alike, and leave a number or a moment without its end.
    """
    widths = [max(min(each, width()), floor) for each, floor in zip(natural, floors, strict=True)]
    while _total(widths) > width():
        room = [(size, index) for index, size in enumerate(widths) if size > floors[index]]
        if not room:
            break
        widths[max(room)[1]] -= 1
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(_cells, column)) for column in zip(*rows, strict=True)]


def _set(cell: str, size: int, column: Column) -> str:
    blank = " " * (size - _cells(cell))
    return blank + cell if column.numeric else cell + blank


def _cells(text: str) -> int:
    """Columns that ``text`` takes on a screen; CJK takes two each."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def one_line(text: str) -> str:
    """``text`` with what would break the line, or drive the terminal, made visible."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
