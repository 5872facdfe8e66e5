"""What a field of a record is called as a column: snake_case, short, and like no other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from xxhash import xxh3_64_hexdigest

META = (
    "_key",
    "_position",
    "_position_text",
    "_payload",
    "_hash",
    "_seq",
    "_first_seen_at",
    "_changed_at",
    "_deleted_at",
    "_run_id",
    "_ahead",
)
LONGEST_NAME = 63
"""Bytes of a column name that every supported database takes."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_WORD = re.compile(r"\W+")


def column_name(name: str, taken: Iterable[str]) -> str:
    """``name`` in snake_case, at most 63 bytes, and other than every name in ``taken`` and ``META``.

    Letters of every alphabet stay; what is no letter or digit becomes an underscore. A name
    that is too long ends in a hash of itself; one that is taken, in ``_2``, ``_3``, ….
    """
    words = _HUMP.sub("_", unicodedata.normalize("NFKC", name))
    snake = _NO_WORD.sub("_", words).lower() or "field"
    if snake[0].isdigit():
        snake = f"_{snake}"
    if len(snake.encode()) > LONGEST_NAME:
        snake = f"{_cut(snake, LONGEST_NAME - 9)}_{xxh3_64_hexdigest(name.encode())[:8]}"
    used = {*META, *taken}
    candidate, number = snake, 2
    while candidate in used:
        candidate = f"{_cut(snake, LONGEST_NAME - 6)}_{number}"
        number += 1
    return candidate


def _cut(name: str, size: int) -> str:
    return name.encode()[:size].decode(errors="ignore")
