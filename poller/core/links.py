"""Reads Link header fields (RFC 8288): several fields, quoted commas, sets of relation types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from poller.core.page import Response


@dataclass(frozen=True, slots=True)
class Link:
    """One link of this answer: its target as it was written, and its relation types in lower case."""

    target: str
    relations: frozenset[str]


_TARGET = re.compile(r"[\s,]*<([^>]*)>")
_PARAMETER = re.compile(
    r"""\s*;\s*(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*
        (?:=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<token>[^\s",;]*)))?""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")
_STRAY = re.compile(r"\s*;?[^,<]*")


def links(response: Response) -> Iterator[Link]:
    """The links of all ``Link`` fields, in order (RFC 8288 §3, appendix B.2).

    The first ``rel`` of a link counts (§3.3). A link with an ``anchor`` speaks of something else
    than this answer, and is left out (§3.2).
    """
    for name, value in response.headers:
        if name == "link":
            yield from _parsed(value)


def _parsed(value: str) -> Iterator[Link]:
    at = 0
    while (target := _TARGET.match(value, at)) is not None:
        at = target.end()
        parameters: dict[str, str] = {}
        while (found := _PARAMETER.match(value, at)) is not None:
            at = found.end()
            parameters.setdefault(found["name"].lower(), _text(found))
        stray = _STRAY.match(value, at)
        at = at if stray is None else stray.end()
        if "anchor" not in parameters:
            yield Link(target[1].strip(), frozenset(parameters.get("rel", "").lower().split()))


def _text(found: re.Match[str]) -> str:
    if found["quoted"] is not None:
        return _ESCAPE.sub(r"\1", found["quoted"])
    return found["token"] or ""
