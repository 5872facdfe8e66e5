"""Whether a cursor is an offset in disguise: then rows slide past it as they slide past an offset."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote

_NUMBER = re.compile(r"\d+")
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{2,}={0,2}")


def counts_rows(cursor: str | int, rows: int, pages: int) -> bool:
    """Whether ``cursor`` holds the number of rows, or of pages, in front of the page that it names.

    Looks into URLs and base64. A keyset over dense numeric keys looks the same; being wrong that
    way costs a second reading, never a row.
    """
    counts = {rows, rows + 1, pages, pages + 1}
    return any(
        int(number) in counts for text in _readings(str(cursor)) for number in _NUMBER.findall(text)[:50]
    )


def _readings(cursor: str) -> list[str]:
    plain = unquote(cursor)
    return [plain, *(text for part in _ENCODED.findall(plain)[:20] if (text := _decoded(part)) is not None)]


def _decoded(part: str) -> str | None:
    padded = part.rstrip("=") + "=" * (-len(part.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=False).decode("ascii")
    except (binascii.Error, ValueError):
        return None
