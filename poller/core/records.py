"""Bytes into records and rejects: one bad record costs itself, never its page-mates.

msgspec reads the page (RFC 8259) down to each record's own bytes, so that the payload is
kept as it was received; numbers stay exact. What msgspec refuses as a whole document, one
lone surrogate or a NaN somewhere, is cut into records by :mod:`poller.core.tolerant`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
from xxhash import xxh3_64_hexdigest, xxh3_128_hexdigest

from poller.core import tolerant
from poller.core.model import Stream
from poller.core.page import Page, Record, Reject, Response
from poller.core.paging import cursor_value, find
from poller.core.path import Path
from poller.core.position import TimeFormat, parse

LONGEST_KEY = 700
"""Bytes of canonical JSON that every supported database can index."""


class ShapeError(ValueError):
    """The body is no page; the message says what was expected and what stood there."""


def exact_number(text: str) -> float | Decimal:
    """A JSON number with fraction or exponent: a float when the double is that very number."""
    number = float(text)
    if repr(number) == text:
        return number
    exact = Decimal(text)
    return number if exact.is_finite() and exact == Decimal(repr(number)) else exact


_VALUE = msgspec.json.Decoder(float_hook=exact_number)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_CANONICAL = msgspec.json.Encoder(order="sorted", decimal_format="number")


@dataclass(frozen=True, slots=True)
class Document:
    """A body, read: the records' own bytes, and everything around them."""

    rows: Sequence[bytes | msgspec.Raw] | None
    """None when there is no list where the records should be."""
    around: Any
    """The decoded body; the records list is left empty when ``rows`` was cut out of it."""


def read_document(body: bytes, where: Path) -> Document:
    """The JSON document in ``body``. Raises ShapeError when it is none, however tolerantly read."""
    if not body.strip():
        raise ShapeError("the body is empty")
    try:
        return _strict(body, where)
    except RecursionError:
        raise ShapeError("the body is nested too deeply to be read") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as refused:
        return _tolerant(body, where, str(refused))


def read_page(stream: Stream, response: Response, document: Document) -> Page:
    """The page in ``document``. Raises ShapeError when the records are missing or contradict themselves."""
    if document.rows is None:
        raise ShapeError(f"no list of records at {stream.records.text!r}")
    records: list[Record] = []
    rejects: list[Reject] = []
    rows = [bytes(raw) for raw in document.rows]
    trailing = 0
    for raw in rows:
        read = read_record(stream, raw)
        if isinstance(read, Record):
            records.append(read)
            trailing = 0
        else:
            rejects.append(read)
            trailing += 1
    last = records[-1] if records else None
    try:
        onward = stream.pager.onward(document.around, response, last, len(rows))
    except ValueError as contradiction:
        raise ShapeError(str(contradiction)) from contradiction
    return Page(
        records=records,
        rejects=rejects,
        onward=onward,
        rows=len(rows),
        digest=xxh3_64_hexdigest(b"\n".join(rows)),
        requested_at=response.requested_at,
        date=response.date,
        request_id=response.request_id,
        total=stream.pager.counted(document.around, response),
        last_page=stream.pager.pages(document.around, response),
        token=_token(stream, document, response),
        trailing=trailing,
    )


def read_record(stream: Stream, raw: bytes) -> Record | Reject:
    """One record from its own bytes, or why it cannot be mirrored."""
    try:
        fields = _VALUE.decode(raw)
        payload = raw.decode()
    except (ValueError, RecursionError) as refused:
        detail = f"not a value that can be stored: {refused}"
        return Reject(raw, "value", detail, _key_beside_poison(stream, raw))
    if not isinstance(fields, dict):
        return Reject(raw, "shape", f"a record must be an object, not {_kind(fields)}")
    key = _key(stream.key, fields)
    if isinstance(key, _BadKey):
        return Reject(raw, "key", key.why)
    position_value = None if stream.updated_at is None else stream.updated_at.find(fields)
    how = stream.since.how if stream.since is not None else _ANY_TIME
    return Record(
        key=key,
        position=None if position_value is None else parse(position_value, how),
        position_text=_text_of(position_value),
        payload=payload,
        fields=fields,
        digest=xxh3_128_hexdigest(_CANONICAL.encode(fields)),
        deleted=stream.deleted is not None and is_truthy(stream.deleted.find(fields)),
    )


def is_truthy(value: object) -> bool:
    """Truth as JMESPath has it: null, false and what is empty are not; 0 is. (Grammar, "or expressions")"""
    return value is not None and value is not False and value != "" and value != [] and value != {}


def _token(stream: Stream, document: Document, response: Response) -> str | None:
    """The page's token as text. Raises ShapeError when what stands there can be none."""
    if stream.since is None or stream.since.token is None:
        return None
    try:
        value = cursor_value(find(stream.since.token, document.around, response))
    except ValueError as impossible:
        raise ShapeError(str(impossible).replace("next cursor", "token")) from impossible
    return None if value is None else str(value)


def _key_beside_poison(stream: Stream, raw: bytes) -> str | None:
    """The key of a record that cannot be stored, so that its next version closes the dead letter."""
    try:
        fields = json.loads(raw.decode("utf-8", "surrogateescape"))
        key = _key(stream.key, fields) if isinstance(fields, dict) else None
    except (ValueError, RecursionError):
        return None
    return key if isinstance(key, str) else None


_ANY_TIME = TimeFormat()
_KEYS = frozenset({str, int, float, Decimal})
"""Exact types of decoded values that a key may have; ``bool`` is none of them."""


@dataclass(frozen=True, slots=True)
class _BadKey:
    why: str


def _strict(body: bytes, where: Path) -> Document:
    if where.names is None:
        around = _VALUE.decode(body)
        found = where.find(around)
        rows = [_CANONICAL.encode(row) for row in found] if isinstance(found, list) else None
        return Document(rows, around)
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
    inner = Document(None, None)
    if names[0] in members:
        inner = _descend(members.pop(names[0]), names[1:])
    around = {name: _VALUE.decode(member) for name, member in members.items()}
    return Document(inner.rows, {**around, names[0]: inner.around})


def _tolerant(body: bytes, where: Path, refusal: str) -> Document:
    if where.names is None:
        raise ShapeError(f"the body is not JSON: {refusal}")
    try:
        cut = tolerant.cut(body, where.names)
    except ValueError as still_refused:
        raise ShapeError(f"the body is not JSON: {still_refused}") from still_refused
    return Document(cut.rows, cut.around)


def _key(paths: tuple[Path, ...], fields: dict[str, Any]) -> str | _BadKey:
    parts = [path.find(fields) for path in paths]
    for path, part in zip(paths, parts, strict=True):
        if type(part) not in _KEYS:
            found = "is missing or null" if part is None else f"is {_kind(part)}"
            return _BadKey(f"the key field {path.text!r} {found}; a key is text or a number")
    encoded = _CANONICAL.encode(parts[0] if len(parts) == 1 else parts)
    if len(encoded) > LONGEST_KEY:
        return _BadKey(f"the key is {len(encoded)} bytes long; at most {LONGEST_KEY} can be indexed")
    return encoded.decode()


def _text_of(value: Any) -> str | None:  # noqa: ANN401 (any JSON value)
    return value if value is None or isinstance(value, str) else _CANONICAL.encode(value).decode()


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
