"""A body, cut into the records' own bytes and what stands around them.

msgspec reads the body (RFC 8259) down to each record's bytes, so that a payload is kept as it was
received. What msgspec refuses as a whole document, one lone surrogate, a NaN or a record nested a
thousand deep somewhere, is cut into records by :mod:`poller.core.tolerant`.

Where the records are found by a JMESPath expression they have no bytes of their own: they are
written anew, members in their order, numbers exact.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from poller.core import tolerant
from poller.core.exact import exact_number
from poller.core.path import Path


class ShapeError(ValueError):
    """The body is no page; the message says what was expected and what stood there."""


@dataclass(frozen=True, slots=True)
class Document:
    """A body, read: the records' own bytes, and everything around them."""

    rows: Sequence[bytes | msgspec.Raw] | None
    """None when there is no list where the records should be."""
    around: Any
    """The decoded body; the records list is left empty when ``rows`` was cut out of it."""


def read_document(body: bytes, where: Path) -> Document:
    """The JSON document in ``body``. Raises ShapeError when it is none, however tolerantly read."""
    try:
        text = _in_utf8(body)
    except UnicodeDecodeError as broken:
        raise ShapeError(f"the body is not JSON: {broken}") from broken
    if not text.strip():
        raise ShapeError("the body is empty")
    try:
        return _strict(text, where)
    except (ValueError, RecursionError, _Repeated):
        return _tolerant(text, where)


_VALUE = msgspec.json.Decoder(float_hook=exact_number)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_BESIDE_NAME = len('"":')


class _Repeated(Exception):
    """The member that holds the records may stand there twice."""


def _in_utf8(body: bytes) -> bytes:
    """The body without its byte order mark; UTF-16 and UTF-32 are told by their first bytes (RFC 4627 §3)."""
    encoding = json.detect_encoding(body[:4])
    if encoding == "utf-8":
        return body
    if encoding == "utf-8-sig":
        return body[3:]
    return body.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")


def _strict(body: bytes, where: Path) -> Document:
    if where.names is None:
        around = _VALUE.decode(body)
        return Document(_written(where.find(around)), around)
    return _descend(msgspec.Raw(body), where.names)


def _descend(raw: msgspec.Raw, names: tuple[str, ...]) -> Document:
    """Cut the records out at ``names``; decode what stands around them."""
    if not names:
        try:
            return Document(_ELEMENTS.decode(raw), [])
        except msgspec.ValidationError:
            return Document(None, _VALUE.decode(raw))
    try:
        members = _MEMBERS.decode(raw)
    except msgspec.ValidationError:
        return Document(None, _VALUE.decode(raw))
    if _may_repeat(raw, members, names[0]):
        raise _Repeated
    inner = Document(None, None)
    if names[0] in members:
        inner = _descend(members.pop(names[0]), names[1:])
    around = {name: _VALUE.decode(member) for name, member in members.items()}
    return Document(inner.rows, {**around, names[0]: inner.around})


def _may_repeat(raw: msgspec.Raw, members: dict[str, msgspec.Raw], name: str) -> bool:
    """Whether a second member ``name`` could hide in what the members and their names leave of ``raw``.

    The decoder keeps the last of two members of one name; two lists of records would be one.
    """
    accounted = sum(len(key.encode()) + _BESIDE_NAME + _length(member) for key, member in members.items())
    left = _length(raw) - accounted
    return name in members and left > len(name) + _BESIDE_NAME and bytes(raw).count(f'"{name}"'.encode()) > 1


def _length(raw: msgspec.Raw) -> int:
    return memoryview(raw).nbytes


def _tolerant(body: bytes, where: Path) -> Document:
    try:
        if where.names is not None:
            cut = tolerant.cut(body, where.names)
            return Document(cut.rows, cut.around)
        around = tolerant.whole(body)
        return Document(_written(where.find(around)), around)
    except ValueError as refused:
        looks = "; it looks like HTML or XML" if body.lstrip()[:1] == b"<" else ""
        raise ShapeError(f"the body is not JSON: {refused}{looks}") from refused


def _written(found: Any) -> list[bytes] | None:  # noqa: ANN401 (any JSON value)
    return [tolerant.written(row) for row in found] if isinstance(found, list) else None
