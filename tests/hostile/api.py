"""A small API over a raw socket: right until a case is armed, and then whatever the case says."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from tests.hostile.case import Case, Moment
from tests.hostile.script import Right

SIZE = 3
SHORTEST_CURSOR = 20
"""Characters; what is shorter is the key of a record."""
BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


@dataclass(slots=True)
class Row:
    """A record; its position is a time of the last two hours."""

    number: int
    second: int
    version: int = 1

    @property
    def at(self) -> str:
        return (BEGIN + timedelta(seconds=self.second)).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def fields(self) -> dict[str, Any]:
        return {
            "id": self.number,
            "version": self.version,
            "name": f"row {self.number}",
            "updated_at": self.at,
        }


@dataclass(slots=True)
class Listing:
    """The rows of one case, and how hostile its server is now."""

    case: Case
    rows: dict[int, Row] = field(default_factory=dict)
    asked: int = 0
    """Requests since the listing was armed."""
    armed_from: int | None = None
    """The hostile answers begin with this request; None: the server is good."""
    turns: int = 0
    seconds: int = 0

    def put(self, *numbers: int) -> None:
        """Insert rows, or change them: each gets a position behind all others."""
        for number in numbers:
            self.seconds += 10
            before = self.rows.get(number)
            self.rows[number] = Row(number, self.seconds, 1 if before is None else before.version + 1)

    def arm(self) -> None:
        self.asked = 0
        self.armed_from = 1 if self.case.moment is Moment.MIDDLE else 0

    def truth(self) -> dict[int, dict[str, Any]]:
        return {number: row.fields for number, row in self.rows.items()}

    def newest(self) -> str:
        return max(row.at for row in self.rows.values())


class Api:
    """``GET /NAME`` lists the rows of the case NAME. Each connection gets one answer."""

    def __init__(self) -> None:
        self.listings: dict[str, Listing] = {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(timeout=5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            target = _target(connection)
            parts = urlsplit(target)
            listing = self.listings.get(parts.path.strip("/").split("/")[0])
            if listing is None:
                connection.sendall(
                    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                return
            right = self._right(listing, parts.path, dict(parse_qsl(parts.query)))
            hostile = listing.armed_from is not None and listing.asked >= listing.armed_from
            listing.asked += 1
            if not hostile:
                connection.sendall(right.answer())
                return
            listing.turns += 1
            listing.case.script(right).play(connection)

    def _right(self, listing: Listing, path: str, asked: dict[str, str]) -> Right:
        since, size = asked.get("since", ""), int(asked.get("size", SIZE))
        found = sorted((row.at, row.number) for row in listing.rows.values() if row.at >= since)
        begin = _begin(found, asked)
        page = found[begin : begin + size]
        more = begin + size < len(found)
        cursor = _cursor(page) if more else None
        link = None if cursor is None else f"{self.origin}{path}?cursor={cursor}&since={quote(since)}"
        return Right(
            rows=[json.dumps(listing.rows[number].fields, separators=(",", ":")) for _, number in page],
            around={"next": cursor, "more": more, "url": link, "total": len(found)},
            headers={} if link is None else {"Link": f'<{link}>; rel="next"'},
            turn=listing.turns,
            asked=asked,
            origin=self.origin,
            path=path,
        )


def _cursor(page: Sequence[tuple[str, int]]) -> str:
    return f"{page[-1][0]}~{page[-1][1]}".encode().hex()


def _begin(found: Sequence[tuple[str, int]], asked: dict[str, str]) -> int:
    if "offset" in asked:
        return int(asked["offset"])
    if "page" in asked:
        return (int(asked["page"]) - 1) * int(asked.get("size", SIZE))
    cursor = asked.get("cursor", "")
    if cursor.isdigit() and len(cursor) < SHORTEST_CURSOR:
        return next((place + 1 for place, (_, number) in enumerate(found) if number == int(cursor)), 0)
    try:
        at, _, number = bytes.fromhex(cursor).decode().partition("~")
        last = (at, int(number))
    except ValueError:
        return 0
    return sum(1 for each in found if each <= last)


def _target(connection: socket.socket) -> str:
    received = b""
    connection.settimeout(30)
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65_536)
        if chunk == b"":
            raise EOFError
        received += chunk
    return received.split(b" ", 2)[1].decode("ascii", "replace")
