"""The slow reader: cuts a page into its records when the fast one refuses it whole.

The standard library's scanner accepts what RFC 8259 does not (NaN, lone surrogates), so the
end of each value can be found and the offending record stands alone, with its own bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]  # public, but not in typeshed
from typing import Any

_DECODER = json.JSONDecoder(strict=False)
_SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Cut:
    """``rows``: each record's own bytes, None without a list there; ``around``: the rest, decoded."""

    rows: Sequence[bytes] | None
    around: Any


def cut(body: bytes, names: tuple[str, ...]) -> Cut:
    """Cut the list at ``names`` out of ``body``. Raises ValueError when the body cannot be cut."""
    text = body.decode("utf-8", "surrogateescape")
    try:
        found, end = _value(text, _skip(text, 0), names)
    except (IndexError, RecursionError) as broken:
        raise ValueError("the document ends too early or is nested too deeply") from broken
    if _skip(text, end) != len(text):
        raise ValueError(f"text after the end of the document, at character {end}")
    return found


def _value(text: str, at: int, names: tuple[str, ...]) -> tuple[Cut, int]:
    if not names:
        if text[at] == "[":
            rows, end = _rows(text, at)
            return Cut(rows, []), end
    elif text[at] == "{":
        return _object(text, at, names)
    value, end = _DECODER.raw_decode(text, at)
    return Cut(None, value), end


def _object(text: str, at: int, names: tuple[str, ...]) -> tuple[Cut, int]:
    rows: Sequence[bytes] | None = None
    around: dict[str, Any] = {}
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, at = scanstring(text, _expect(text, at, '"'), False)
        at = _skip(text, _expect(text, _skip(text, at), ":"))
        if name == names[0]:
            inner, at = _value(text, at, names[1:])
            rows, around[name] = inner.rows, inner.around
        else:
            around[name], at = _DECODER.raw_decode(text, at)
        at = _separator(text, at, "}")
    return Cut(rows, around), at + 1


def _rows(text: str, at: int) -> tuple[list[bytes], int]:
    rows: list[bytes] = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        rows.append(text[at:end].encode("utf-8", "surrogateescape"))
        at = _separator(text, end, "]")
    return rows, at + 1


def _separator(text: str, at: int, closing: str) -> int:
    at = _skip(text, at)
    if text[at] == closing:
        return at
    return _skip(text, _expect(text, at, ","))


def _expect(text: str, at: int, character: str) -> int:
    if text[at] != character:
        raise ValueError(f"expected {character!r} at character {at}, found {text[at]!r}")
    return at + 1


def _skip(text: str, at: int) -> int:
    matched = _SPACE.match(text, at)
    return matched.end() if matched else at
