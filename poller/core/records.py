"""Bytes into records and rejects: one bad record costs itself, never its page-mates.

Of two members of one name in a record the last one counts, for its columns, its key, its position
and its digest alike, so that there is only one version of it; the payload shows both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from xxhash import xxh3_64, xxh3_128_hexdigest

from poller.core import tolerant
from poller.core.document import Document, ShapeError
from poller.core.exact import exact_number
from poller.core.keys import BadKey, key_of, kind_of
from poller.core.model import Stream
from poller.core.page import Page, Record, Reject, Response
from poller.core.paging import cursor_value, find
from poller.core.path import Path
from poller.core.position import TimeFormat, parse


def read_page(stream: Stream, response: Response, document: Document) -> Page:
    """The page in ``document``. Raises ShapeError when the records are missing or contradict themselves."""
    if document.rows is None:
        raise ShapeError(f"no list of records at {stream.records.text!r}")
    records: list[Record] = []
    rejects: list[Reject] = []
    rows = [bytes(raw) for raw in document.rows]
    trailing = 0
    reader = Reader(stream)
    content = xxh3_64()
    for raw in rows:
        content.update(raw)
        content.update(b"\n")
        read = reader.read(raw)
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
        digest=content.hexdigest(),
        requested_at=response.requested_at,
        date=response.date,
        request_id=response.request_id,
        total=stream.pager.counted(document.around, response),
        last_page=stream.pager.last_page(document.around, response),
        token=_token(stream, document, response),
        trailing=trailing,
    )


def read_record(stream: Stream, raw: bytes) -> Record | Reject:
    """One record from its own bytes, or why it cannot be mirrored."""
    return Reader(stream).read(raw)


class Reader:
    """Reads the records of one stream; what is the same for all of them is looked up once."""

    __slots__ = ("_at", "_at_name", "_deleted", "_depth", "_how", "_key", "_key_name")

    def __init__(self, stream: Stream) -> None:
        self._key = stream.key
        self._key_name = _member(stream.key[0]) if len(stream.key) == 1 else None
        self._at = stream.updated_at
        self._at_name = _member(stream.updated_at)
        self._how = stream.since.how if stream.since is not None else _ANY_TIME
        self._deleted = stream.deleted
        self._depth = stream.depth

    def read(self, raw: bytes) -> Record | Reject:
        """One record from its own bytes, or why it cannot be mirrored."""
        try:
            fields = _VALUE.decode(raw)
            payload = raw.decode()
        except (ValueError, RecursionError) as refused:
            detail = f"not a value that can be stored: {refused}"
            return Reject(raw, "value", detail, _key_beside_poison(self._key, raw))
        if not isinstance(fields, dict):
            return Reject(raw, "shape", f"a record must be an object, not {kind_of(fields)}")
        part = fields.get(self._key_name)
        key = str(part) if type(part) is int and -_SHORT < part < _SHORT else key_of(self._key, fields)
        if isinstance(key, BadKey):
            return Reject(raw, "key", key.why)
        if raw.count(b"{") + raw.count(b"[") > self._depth and is_deeper(fields, self._depth):
            return Reject(raw, "value", f"nested deeper than {self._depth} (limits.depth)", key)
        value = fields.get(self._at_name) if self._at_name is not None else _found(self._at, fields)
        return Record(
            key,
            None if value is None else parse(value, self._how),
            value if type(value) is str else _text_of(value),
            payload,
            fields,
            digest=xxh3_128_hexdigest(_CANONICAL.encode(fields)),
            deleted=self._deleted is not None and is_truthy(self._deleted.find(fields)),
        )


def is_deeper(record: dict[str, Any], depth: int) -> bool:
    """Whether objects and lists are nested more than ``depth`` deep; the record itself is the first."""
    level: list[Any] = [record]
    while level and depth > 0:
        insides: Iterable[Iterable[Any]] = (
            inside.values() if type(inside) is dict else inside for inside in level
        )
        level = [part for inside in insides for part in inside if type(part) is dict or type(part) is list]
        depth -= 1
    return bool(level)


def is_truthy(value: object) -> bool:
    """Truth as JMESPath has it (its "or expressions"): null, false and what is empty are not; 0 is."""
    return value is not None and value is not False and value not in ("", [], {})


def _token(stream: Stream, document: Document, response: Response) -> str | None:
    """The page's token as text. Raises ShapeError when what stands there can be none."""
    if stream.since is None or stream.since.token is None:
        return None
    try:
        value = cursor_value(find(stream.since.token, document.around, response))
    except ValueError as impossible:
        raise ShapeError(str(impossible).replace("next cursor", "token")) from impossible
    return None if value is None else str(value)


_VALUE = msgspec.json.Decoder(float_hook=exact_number)
_CANONICAL = msgspec.json.Encoder(order="sorted", decimal_format="number")
_ANY_TIME = TimeFormat()


_SHORT = 10**18
"""Whole numbers below this are their own canonical text, and short: most keys are."""


def _member(path: Path | None) -> str | None:
    """The member of a record that a path names; None when it is no such path."""
    return path.names[0] if path is not None and path.names is not None and len(path.names) == 1 else None


def _found(path: Path | None, fields: dict[str, Any]) -> Any:  # noqa: ANN401 (any JSON value)
    return None if path is None else path.find(fields)


def _key_beside_poison(paths: tuple[Path, ...], raw: bytes) -> str | None:
    """The key of a record that cannot be stored, so that its next version closes the dead letter."""
    try:
        fields = tolerant.whole(raw)
        key = key_of(paths, fields) if isinstance(fields, dict) else None
    except (ValueError, RecursionError):
        return None
    return key if isinstance(key, str) else None


def _text_of(value: Any) -> str | None:  # noqa: ANN401 (any JSON value)
    return value if value is None or isinstance(value, str) else _CANONICAL.encode(value).decode()
