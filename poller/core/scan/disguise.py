"""Whether a cursor is an offset in disguise: then rows slide past it as they slide past an offset."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from urllib.parse import unquote

_NUMBER = re.compile(r"\d{1,18}")
_WORD = re.compile(r"[A-Za-z0-9]+")
_RANDOM = 12
"""Letters and digits. A longer word of both is no name with a number behind it, but a random text."""
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{2,}={0,2}")


def counts_rows(cursor: str | int, before: str | int | None, rows: int, pages: int) -> bool:
    """Whether ``cursor`` holds the number of rows, or of pages, in front of the page that it names.

    Looks into the query of URLs and into base64. ``before`` is the cursor that led to the page at
    hand, None on the first: a number that stands in both, as often, counts nothing. A keyset over
    dense numeric keys looks the same as an offset; being wrong that way costs a second reading, never a row.
    """
    counts = {rows, rows + 1, pages, pages + 1}
    constant: Counter[int] = Counter() if before is None else _numbers(before)
    return not counts.isdisjoint(_numbers(cursor) - constant)


def _numbers(cursor: str | int) -> Counter[int]:
    text = str(cursor)
    varying = text.split("?", 1)[1] if "?" in text else text
    words = (word for found in _readings(varying) for word in _WORD.findall(found)[:100])
    telling = (word for word in words if word.isdigit() or len(word) <= _RANDOM)
    return Counter(int(each) for word in telling for each in _NUMBER.findall(word))


def _readings(cursor: str) -> list[str]:
    plain = unquote(cursor)
    return [plain, *(text for part in _ENCODED.findall(plain)[:20] if (text := _decoded(part)) is not None)]


def _decoded(part: str) -> str | None:
    padded = part.rstrip("=") + "=" * (-len(part.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=False).decode("ascii")
    except (binascii.Error, ValueError):
        return None
