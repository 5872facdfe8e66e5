"""The slow reader: cuts a page into its records when the fast one refuses it whole.

The standard library's scanner accepts what RFC 8259 does not (NaN, lone surrogates), so the
end of each value can be found and the offending record stands alone, with its own bytes. It is
no way to read what is no JSON: half a document, two documents and stray commas stay errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from json.decoder import scanstring  # type: ignore[attr-defined]  # public, but not in typeshed
from typing import Any

import msgspec

from poller.core.exact import exact_number

TOO_DEEP = "it is nested too deeply to be read"


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
    except IndexError as broken:
        raise ValueError("the document ends too early") from broken
    except RecursionError as broken:
        raise ValueError(TOO_DEEP) from broken
    _end(text, end)
    return found


def whole(body: bytes) -> Any:  # noqa: ANN401 (any JSON value)
    """The decoded body. What cannot be stored is kept in it as what :func:`written` writes out again."""
    text = body.decode("utf-8", "surrogateescape")
    try:
        found, end = _DECODER.raw_decode(text, _skip(text, 0))
    except RecursionError as broken:
        raise ValueError(TOO_DEEP) from broken
    _end(text, end)
    return found


def written(row: Any) -> bytes:  # noqa: ANN401 (any JSON value)
    """A decoded record as JSON; what cannot be stored (a NaN, a lone surrogate) still stands there."""
    try:
        return _ENCODER.encode(row)
    except UnicodeEncodeError:
        return json.dumps(row, default=repr).encode()


class _Alien:
    """What stands in place of a number: NaN, an infinity, an exponent or digits out of all bounds."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _integer(text: str) -> int | _Alien:
    try:
        return int(text)
    except ValueError:  # Python reads no more than 4,300 digits
        return _Alien(text)


def _fraction(text: str) -> float | Decimal | _Alien:
    try:
        return exact_number(text)
    except ValueError:
        return _Alien(text)


def _as_it_was(alien: object) -> msgspec.Raw:
    return msgspec.Raw(repr(alien).encode())


_DECODER = json.JSONDecoder(strict=False, parse_int=_integer, parse_float=_fraction, parse_constant=_Alien)
_CUTTER = json.JSONDecoder(strict=False, parse_int=len, parse_float=len, parse_constant=len)
"""Finds where a value ends; what its numbers are does not matter."""
_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_as_it_was)
_SPACE = re.compile(r"[ \t\n\r]*")
_BRACKET_OR_TEXT = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)


def _end(text: str, at: int) -> None:
    at = _skip(text, at)
    if at == len(text):
        return
    hint = "; one document a line (JSON Lines) is no page: ask for a list" if text[at] in "{[" else ""
    raise ValueError(f"text after the end of the document, at character {at}{hint}")


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
        if name != names[0]:
            around[name], at = _DECODER.raw_decode(text, at)
        elif name in around:
            raise ValueError(f"the member {name!r} stands there twice, at character {at} again")
        else:
            inner, at = _value(text, at, names[1:])
            rows, around[name] = inner.rows, inner.around
        at = _separator(text, at, "}")
    return Cut(rows, around), at + 1


def _rows(text: str, at: int) -> tuple[list[bytes], int]:
    rows: list[bytes] = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        try:
            _, end = _CUTTER.raw_decode(text, at)
        except RecursionError:
            end = _closing(text, at)
        rows.append(text[at:end].encode("utf-8", "surrogateescape"))
        at = _separator(text, end, "]")
    return rows, at + 1


def _closing(text: str, at: int) -> int:
    """The end of the object or list that begins at ``at``, found by counting brackets."""
    depth = 0
    for found in _BRACKET_OR_TEXT.finditer(text, at):
        depth += _STEPS.get(found[0], 0)
        if depth == 0:
            return found.end()
    raise IndexError


_STEPS = {"{": 1, "[": 1, "}": -1, "]": -1}


def _separator(text: str, at: int, closing: str) -> int:
    at = _skip(text, at)
    if text[at] == closing:
        return at
    at = _skip(text, _expect(text, at, ","))
    if text[at] == closing:
        raise ValueError(f"a comma before the closing {closing!r}, at character {at}")
    return at


def _expect(text: str, at: int, character: str) -> int:
    if text[at] != character:
        raise ValueError(f"expected {character!r} at character {at}, found {text[at]!r}")
    return at + 1


def _skip(text: str, at: int) -> int:
    matched = _SPACE.match(text, at)
    return matched.end() if matched else at
