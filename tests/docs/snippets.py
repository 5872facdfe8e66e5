"""Finds the fenced snippets of the documentation and what their marks ask for.

The mark stands behind the language, where a reader of the page does not see it::

    ```console run          each `$ ` line is run by bash; must exit with 0 (or `run exit=2`);
                            other lines must come up in the output in this order, `…` standing for anything
    ```toml file=NAME       is written to NAME for the snippets after it
    ```sql run              is run by sqlite3 on mirror.db
    ```python run           is run by Python

The snippets of one page share one empty folder, in their order. TOML and JSON are parsed even
without a mark, unless they are marked `fragment`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
_FENCE = re.compile(
    r"^```(?P<language>\w+)(?P<marks>[^\n`]*)\n(?P<text>.*?)^```\s*$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """One fenced block; ``line`` of its fence, from 1; ``marks`` are the words behind the language."""

    page: Path
    line: int
    language: str
    marks: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    def option(self, name: str) -> str | None:
        """The value of the mark ``name=value``; None when it is not there."""
        return next((mark.partition("=")[2] for mark in self.marks if mark.startswith(f"{name}=")), None)

    @property
    def is_live(self) -> bool:
        """Whether the snippet does something: runs, or writes a file that others read."""
        return "run" in self.marks or self.option("file") is not None


@dataclass(frozen=True, slots=True)
class Command:
    """One `$ ` line of a console snippet and the output lines that it shows."""

    line: str
    shows: tuple[str, ...]


def pages() -> list[Path]:
    """README, the top-level texts and everything under docs."""
    return sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])


def snippets(page: Path) -> list[Snippet]:
    """The page's fenced blocks that name a language, in their order."""
    text = page.read_text(encoding="utf-8")
    return [
        Snippet(
            page,
            text.count("\n", 0, match.start()) + 1,
            match["language"],
            tuple(match["marks"].split()),
            match["text"],
        )
        for match in _FENCE.finditer(text)
    ]


def commands(console: str) -> Iterator[Command]:
    """The commands of a console snippet; `> ` continues a command on the next line."""
    line, shows = "", list[str]()
    for row in console.splitlines():
        if row.startswith("$ "):
            if line:
                yield Command(line, tuple(shows))
            line, shows = row[2:], []
        elif row.startswith("> ") and not shows:
            line += "\n" + row[2:]
        elif row.strip():
            shows.append(row)
    if line:
        yield Command(line, tuple(shows))


def first_line_not_shown(shows: tuple[str, ...], output: str) -> str | None:
    """The first promised line that does not come up after those before it; None when all do."""
    rows = iter(output.splitlines())
    for promised in shows:
        pattern = ".*".join(re.escape(part) for part in promised.strip().split("…"))
        if promised.strip() != "…" and not any(re.fullmatch(pattern, row.strip()) for row in rows):
            return promised
    return None
