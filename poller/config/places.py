"""Where in a TOML text each key and each value stands, which ``tomllib`` does not say.

The text is known to be valid TOML 1.0 when it comes here, so that this reader only has to
find the parts, never to judge them. https://toml.io/en/v1.0.0
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys from the top of the document; an ``int`` is an index in an array."""


@dataclass(frozen=True, slots=True)
class Place:
    """Offsets in the text, in characters from 0. ``start`` and ``end`` span the value.

    For a ``[table]`` and for a table that only dotted keys imply, all three stand at its name.
    """

    key: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Places:
    """Every key of a TOML text with its place."""

    text: str
    by_path: Mapping[KeyPath, Place]
    _starts: tuple[int, ...] = field(repr=False)

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Both from 1; a column counts characters, a tab is one."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def find_places(text: str) -> Places:
    """The places of all keys in ``text``, which must be valid TOML."""
    starts = (0, *(match.end() for match in re.finditer("\n", text)))
    return Places(text, _Reader(text).read(), starts)


_BLANK = re.compile(r"[ \t]*")
_VOID = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_SCALAR = re.compile(r"[^,\]}#\r\n]*")


class _Reader:
    """One pass over the text. ``at`` is the offset of the next unread character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[KeyPath, Place] = {}
        self.arrays: dict[KeyPath, int] = {}
        """How many elements each array of tables has so far."""

    def read(self) -> dict[KeyPath, Place]:
        table: KeyPath = ()
        self._skip(_VOID)
        while self.at < len(self.text):
            if self._next("["):
                table = self._header()
            else:
                self._pair(table)
            self._skip(_VOID)
        return self.found

    def _header(self) -> KeyPath:
        """``[a.b]`` or ``[[a.b]]``; the path of the table that it opens."""
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        self._skip(_BLANK)
        parts = self._dotted()
        self._skip(_BLANK)
        self.at += 2 if double else 1
        path: KeyPath = ()
        for name, offset in parts[:-1]:
            path = self._latest((*path, name))
            self.found.setdefault(path, Place(offset, offset, offset))
        name, offset = parts[-1]
        path = (*path, name)
        if double:
            self.found.setdefault(path, Place(offset, offset, offset))
            self.arrays[path] = self.arrays.get(path, -1) + 1
            path = (*path, self.arrays[path])
        self.found[path] = Place(offset, offset, offset)
        return path

    def _latest(self, path: KeyPath) -> KeyPath:
        """The path itself or, for an array of tables, of its newest element."""
        return (*path, self.arrays[path]) if path in self.arrays else path

    def _pair(self, table: KeyPath) -> None:
        """``a.b = value``."""
        parts = self._dotted()
        path = table
        for name, offset in parts:
            path = (*path, name)
            self.found.setdefault(path, Place(offset, offset, offset))
        self._skip(_BLANK)
        self.at += 1
        self._skip(_BLANK)
        key = parts[-1][1]
        start = self.at
        self._value(path)
        self.found[path] = Place(key, start, self.at)

    def _dotted(self) -> list[tuple[str, int]]:
        """The parts of a key with the offset of each."""
        parts = [self._part()]
        self._skip(_BLANK)
        while self._next("."):
            self.at += 1
            self._skip(_BLANK)
            parts.append(self._part())
            self._skip(_BLANK)
        return parts

    def _part(self) -> tuple[str, int]:
        offset = self.at
        if self._next('"') or self._next("'"):
            token = self._string()
            return str(tomllib.loads(f"key = {token}")["key"]), offset
        return self._skip(_BARE), offset

    def _value(self, path: KeyPath) -> None:
        if self._next("["):
            self._array(path)
        elif self._next("{"):
            self._inline_table(path)
        elif self._next('"') or self._next("'"):
            self._string()
        else:
            scalar = self._skip(_SCALAR)
            self.at -= len(scalar) - len(scalar.rstrip())

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        self._skip(_VOID)
        index = 0
        while not self._next("]"):
            start = self.at
            self._value((*path, index))
            self.found[(*path, index)] = Place(start, start, self.at)
            index += 1
            self._comma()
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        self._skip(_VOID)
        while not self._next("}"):
            self._pair(path)
            self._comma()
        self.at += 1

    def _comma(self) -> None:
        self._skip(_VOID)
        if self._next(","):
            self.at += 1
            self._skip(_VOID)

    def _string(self) -> str:
        for pattern in _STRINGS:
            match = pattern.match(self.text, self.at)
            if match is not None:
                self.at = match.end()
                return match[0]
        raise ValueError(f"no string ends at offset {self.at}")

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        skipped = "" if match is None else match[0]
        self.at += len(skipped)
        return skipped

    def _next(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)
