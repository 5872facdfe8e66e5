"""Ways in which one answer goes wrong: each is a value, and turns the right reply into a wrong one."""

from __future__ import annotations

import email.utils
import json
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from tests.emulators.paging import put
from tests.emulators.stamps import SECOND

HTML = b"<!DOCTYPE html><html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>"
JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Raw:
    """A field whose JSON text is sent as it stands: ``NaN``, 30 digits, a lone surrogate's escape."""

    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes over the wire. ``document`` is the decoded page; ``body`` None encodes it.

    ``promised``: a Content-Length that is not the body's own. ``delay``: seconds before the
    first byte; ``drip``: seconds between two bytes of the body. ``dropped``: the connection is
    closed without an answer.
    """

    status: int = 200
    document: Any = None
    body: bytes | None = None
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    promised: int | None = None
    delay: float = 0.0
    drip: float = 0.0
    dropped: bool = False

    @property
    def encoded(self) -> bytes:
        return encode(self.document) if self.body is None else self.body


class Fault(Protocol):
    """Breaks a reply. ``records`` is the list's dotted path, ``now`` the server's time in nanoseconds."""

    def breaks(self, right: Reply, records: str, now: int) -> Reply: ...


@dataclass(frozen=True, slots=True)
class Status:
    """An error status with a load balancer's HTML, or ``body``.

    ``retry_after``: seconds, sent as a number or (``form="date"``) as an HTTP date by the
    server's clock; None sends no such header.
    """

    status: int
    retry_after: float | None = None
    form: Literal["seconds", "date"] = "seconds"
    body: bytes = HTML
    content_type: str = "text/html"

    def breaks(self, right: Reply, records: str, now: int) -> Reply:
        headers: tuple[tuple[str, str], ...] = ()
        if self.retry_after is not None:
            due = now // SECOND + round(self.retry_after)
            text = http_date(due) if self.form == "date" else f"{self.retry_after:g}"
            headers = (("Retry-After", text),)
        return Reply(status=self.status, body=self.body, content_type=self.content_type, headers=headers)


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """200, and a login page or an error page in HTML."""

    def breaks(self, right: Reply, records: str, now: int) -> Reply:
        return replace(right, body=HTML, content_type="text/html")


@dataclass(frozen=True, slots=True)
class HalfDocument:
    """200 and the first half of the page, as if it were all of it."""

    def breaks(self, right: Reply, records: str, now: int) -> Reply:
        return replace(right, body=right.encoded[: len(right.encoded) // 2])


@dataclass(frozen=True, slots=True)
class CutOff:
    """The connection breaks in the middle of the body."""

    def breaks(self, right: Reply, records: str, now: int) -> Reply:
        whole = right.encoded
        return replace(right, body=whole[: len(whole) // 2], promised=len(whole))


@dataclass(frozen=True, slots=True)
class Dropped:
    """The connection is closed without an answer."""

    def breaks(self, right: Reply, records: str, now: int) -> Reply:
        return replace(right, dropped=True)


@dataclass(frozen=True, slots=True)
class Slow:
    """The right answer, ``seconds`` late."""

    seconds: float

    def breaks(self, right: Reply, records: str, now: int) -> Reply:
        return replace(right, delay=self.seconds)


@dataclass(frozen=True, slots=True)
class Dripping:
    """The right answer, a byte each ``seconds``."""

    seconds: float = 0.2

    def breaks(self, right: Reply, records: str, now: int) -> Reply:
        return replace(right, drip=self.seconds)


@dataclass(frozen=True, slots=True)
class BodyCode:
    """200 with an error code in the body; ``records``: what stands where the list should be."""

    code: int = 10
    field: str = "statusCode"
    message: str = "Too many requests"
    records: Any = ()

    def breaks(self, right: Reply, records: str, now: int) -> Reply:
        document: dict[str, Any] = {"message": self.message}
        put(document, self.field, self.code)
        put(document, records or "rows", self.records)
        return replace(right, document=document, body=None)


@dataclass(frozen=True, slots=True)
class WithoutRecords:
    """200, and the page lacks the member that holds the records."""

    def breaks(self, right: Reply, records: str, now: int) -> Reply:
        top = records.split(".", maxsplit=1)[0]
        kept = {name: value for name, value in right.document.items() if name != top}
        return replace(right, document=kept, body=None)


@dataclass(frozen=True, slots=True)
class RecordsAre:
    """200, and ``value`` stands where the list should be: an object, null, text."""

    value: Any = None

    def breaks(self, right: Reply, records: str, now: int) -> Reply:
        document = dict(right.document)
        put(document, records, self.value)
        return replace(right, document=document, body=None)


@dataclass(frozen=True, slots=True)
class Emptied:
    """200, the right shape and no rows: what a bad key or an expired token gets from some servers."""

    def breaks(self, right: Reply, records: str, now: int) -> Reply:
        document: dict[str, Any] = {}
        put(document, records, [])
        return replace(right, document=document, body=None)


def encode(document: Any) -> bytes:  # noqa: ANN401 (any JSON value)
    """Compact JSON; every :class:`Raw` field's text stands in it as it is."""
    raws: list[str] = []

    def mark(value: object) -> str:
        if not isinstance(value, Raw):
            raise TypeError(f"{value!r} is no JSON value")
        raws.append(value.text)
        return f"\x00raw {len(raws) - 1}\x00"

    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=mark)
    for turn, raw in enumerate(raws):
        text = text.replace(f'"\\u0000raw {turn}\\u0000"', raw, 1)
    return text.encode("utf-8", "surrogatepass")


def http_date(seconds: int) -> str:
    """Whole seconds since 1970 as an HTTP date (RFC 9110 §5.6.7)."""
    return email.utils.formatdate(seconds, usegmt=True)
