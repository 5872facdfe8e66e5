"""A request as the vendor's documentation shows it, with placeholders, and what it becomes.

A value that *is* one placeholder keeps its JSON type; inside a longer text it is formatted.
A parameter, header or object member whose placeholder has no value is left out; in a list,
the whole element that holds it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, Union
from urllib.parse import quote

Json: TypeAlias = Union[bool, int, float, str, "list[Json]", "dict[str, Json]", None]

PLACEHOLDERS = frozenset({"since", "until", "cursor", "offset", "page", "size", "key"})
"""What may stand in braces, besides ``parent.FIELD``. ``{{`` and ``}}`` are literal braces."""

_BRACED = re.compile(r"\{\{|\}\}|\{([A-Za-z_][\w.]*)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """One endpoint. ``params`` and ``headers`` keep the order of the settings; ``body`` None sends none."""

    method: str
    path: str
    params: tuple[tuple[str, Json], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: Json = None

    def placeholders(self) -> frozenset[str]:
        """The names in braces, anywhere in the template."""
        return frozenset(_names([self.path, dict(self.params), dict(self.headers), self.body]))


@dataclass(frozen=True, slots=True)
class Request:
    """What the core wants fetched: no credentials, no base URL.

    ``target`` is a path below the source's base URL, or an absolute URL that an API gave as
    its next page (the voice refuses a foreign origin). ``params`` are not yet URL-encoded.
    ``body`` is the encoded JSON; None when there is none.
    """

    method: str
    target: str
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    found_under: str | None = None
    """The path whose answer gave ``target`` as a link (resolved as RFC 3986 §5.2 says); None for our own."""


def render(template: Template, values: Mapping[str, Json]) -> Request:
    """``template`` with ``values`` in its placeholders; a name that is missing or None has no value."""
    if _lacks(template.path, values):
        raise ValueError(f"a placeholder in the path {template.path!r} has no value")
    body = _fill(template.body, values)
    if body is _ABSENT:
        raise ValueError(f"the placeholder that is the whole body, {template.body!r}, has no value")
    return Request(
        method=template.method,
        target=_substitute(template.path, lambda name: quote(_as_text(values[name]), safe="")),
        params=tuple(_flat_params(template.params, values)),
        headers=tuple(
            (name, _as_text(value))
            for name, text in template.headers
            if (value := _fill(text, values)) is not _ABSENT
        ),
        body=None if template.body is None else json.dumps(body, ensure_ascii=False).encode(),
    )


class _Absent:
    """Marks what is left out of the request."""


_ABSENT = _Absent()


def _names(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from (match[1] for match in _BRACED.finditer(value) if match[1])
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _names(member)
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _names(element)


def _fill(value: Json, values: Mapping[str, Json]) -> Json | _Absent:
    if isinstance(value, str):
        return _fill_text(value, values)
    if isinstance(value, dict):
        filled = {name: _fill(member, values) for name, member in value.items()}
        return {name: member for name, member in filled.items() if not isinstance(member, _Absent)}
    if isinstance(value, list):
        kept = (_fill(element, values) for element in value if not _lacks(element, values))
        return [element for element in kept if not isinstance(element, _Absent)]
    return value


def _lacks(element: Json, values: Mapping[str, Json]) -> bool:
    return any(values.get(name) is None for name in _names(element))


def _fill_text(text: str, values: Mapping[str, Json]) -> Json | _Absent:
    whole = _BRACED.fullmatch(text)
    if whole and whole[1]:
        value = values.get(whole[1])
        return _ABSENT if value is None else value
    if _lacks(text, values):
        return _ABSENT
    return _substitute(text, lambda name: _as_text(values[name]))


def _substitute(text: str, value: Callable[[str], str]) -> str:
    return _BRACED.sub(lambda match: value(match[1]) if match[1] else match[0][0], text)


def _flat_params(
    params: tuple[tuple[str, Json], ...], values: Mapping[str, Json]
) -> Iterator[tuple[str, str]]:
    for name, given in params:
        filled = _fill(given, values)
        if isinstance(filled, _Absent):
            continue
        for value in filled if isinstance(filled, list) else [filled]:
            yield name, _as_text(value)


def _as_text(value: Json | _Absent) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
