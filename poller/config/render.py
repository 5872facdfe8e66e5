"""Shows a problem of the settings to a person: place, source line with a caret, hint; never a secret."""

from __future__ import annotations

import difflib
import re
import tomllib

from poller.config.places import KeyPath, Place, Places, find_places
from poller.config.secrecy import names_a_secret
from poller.core.errors import SettingsError

MASK = "…"
WIDTH = 100
"""Columns of an excerpt."""

_OPEN_REFERENCE = re.compile(r"(['\"])(env|file):.*\1", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"?|'[^']*'?")
_CONFIDENTIAL = re.compile(
    r"auth|token|key|secret|password|passwd|value|header|url|credential", re.IGNORECASE
)
_CREDENTIALS_IN_URL = re.compile(r"://[^/\s'\"]*@")


def render_problem(error: SettingsError, text: str) -> str:
    """``file:line:col: key: message``, the source line with a caret, and ``hint:``; no line break at the end.

    ``text`` is the file's content. Values that can be secrets (in ``auth`` and ``headers``,
    passwords in URLs, everything quoted when the file is no valid TOML) are masked.
    """
    lines = [str(error)]
    if error.line is not None and error.column is not None:
        lines += _excerpt(text, error.line, error.column)
    if error.hint is not None:
        lines.append(f"hint: {error.hint}")
    return "\n".join(lines)


def _excerpt(text: str, line: int, column: int) -> list[str]:
    source = text.split("\n")
    if line > len(source):
        return []
    whole = source[line - 1].rstrip("\r")
    start = sum(len(each) + 1 for each in source[: line - 1])
    before, after = _masked(text, start, start + column - 1, start + len(whole))
    gutter = f"  {line} | "
    before, after = _within(before, after, WIDTH - len(gutter))
    blank = re.sub(r"[^\t]", " ", before)
    return [f"{gutter}{before}{after}", f"{' ' * (len(gutter) - 2)}| {blank}^"]


def _within(before: str, after: str, width: int) -> tuple[str, str]:
    """As much of a line as is readable, with the caret's place in sight."""
    if len(before) + len(after) > width and len(before) > width // 2:
        before = MASK + before[len(before) - width // 2 + 1 :]
    if len(before) + len(after) > width:
        after = after[: width - len(before) - 1] + MASK
    return before, after


def _masked(text: str, start: int, caret: int, end: int) -> tuple[str, str]:
    """What stands before and after the caret, without secrets."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return _broken(text[start:end], caret - start)
    spans = _secret_spans(find_places(text))
    return _cut(text, start, caret, spans), _cut(text, caret, end, spans)


def _broken(line: str, caret: int) -> tuple[str, str]:
    """For a file that cannot be read as TOML: nobody knows what is a key and what is a secret."""
    name, equals, _ = line.partition("=")
    if equals and _CONFIDENTIAL.search(name):
        known = f"{name}{equals}"
        return known[:caret], known[caret:] + f" {MASK}"
    return _QUOTED.sub(f'"{MASK}"', line[:caret]), _QUOTED.sub(f'"{MASK}"', line[caret:])


def _secret_spans(places: Places) -> list[tuple[int, int]]:
    return [
        (place.start, place.end)
        for path, place in places.by_path.items()
        if place.end > place.start and _may_be_secret(path, place, places.text)
    ]


def _may_be_secret(path: KeyPath, place: Place, text: str) -> bool:
    """Whether a value may be confidential, also when the key that says so is misspelt."""
    value, last = text[place.start : place.end], path[-1]
    if value[0] in "{[" or _OPEN_REFERENCE.fullmatch(value):
        return False
    names = [part for part in path if isinstance(part, str)]
    if difflib.get_close_matches("auth", names, n=1) or "headers" in names:
        return last not in ("type", "header")
    return isinstance(last, str) and last not in ("key", "from_key") and names_a_secret(last)


def _cut(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> str:
    """``text[start:end]`` with each secret inside it replaced by the mask."""
    shown, at = "", start
    for low, high in sorted(spans):
        if low < end and high > at:
            shown += text[at : max(at, low)] + MASK
            at = min(high, end)
    return _CREDENTIALS_IN_URL.sub(f"://{MASK}@", shown + text[at:end])
