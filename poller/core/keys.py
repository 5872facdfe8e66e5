"""What identifies a record: the canonical JSON text of its key.

Text and numbers are never the same key (``"1"`` and ``1``), and equal numbers always are: ``1``,
``1.0`` and ``1e0`` are written ``1``, as digits without exponent or trailing zeros. Text is taken
as it is; no Unicode normal form is forced upon it, and none is taken for another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

import msgspec

from poller.core.path import Path

LONGEST_KEY = 700
"""Bytes of canonical JSON that every supported database can index."""


@dataclass(frozen=True, slots=True)
class BadKey:
    """Why a record cannot be identified."""

    why: str


def key_of(paths: Sequence[Path], fields: dict[str, Any]) -> str | BadKey:
    """The key; several parts are written as a JSON list. Raises ValueError for lone surrogates."""
    texts: list[str] = []
    for path in paths:
        part = path.find(fields)
        write = _WRITE.get(type(part))
        if write is None:
            found = "is missing or null" if part is None else f"is {kind_of(part)}"
            return BadKey(f"the key field {path.text!r} {found}; a key is text or a number")
        texts.append(write(part))
    key = texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"
    size = len(key) if key.isascii() else len(key.encode())
    if size > LONGEST_KEY:
        return BadKey(f"the key is {size} bytes long; at most {LONGEST_KEY} can be indexed")
    return key


def kind_of(value: object) -> str:
    """What JSON calls a value, with its article."""
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


_TEXT = msgspec.json.Encoder()
_EXACT = Context(prec=2 * LONGEST_KEY, Emax=MAX_EMAX, Emin=MIN_EMIN)


def _text(part: str) -> str:
    return _TEXT.encode(part).decode()


def _number(part: float | Decimal) -> str:
    """Plain digits, unless they are too many: 1e999999999 would fill the memory."""
    number = Decimal(repr(part)) if isinstance(part, float) else part
    if not number:
        return "0"
    if len(number.as_tuple().digits) > LONGEST_KEY or abs(number.adjusted()) > LONGEST_KEY:
        return "0" * (LONGEST_KEY + 1)  # too long, whatever it says
    return format(number.normalize(_EXACT), "f")


_WRITE: Mapping[type, Callable[[Any], str]] = {str: _text, int: str, float: _number, Decimal: _number}
"""By exact type; ``bool`` is none of them."""
