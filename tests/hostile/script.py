"""What a hostile server writes to a connection, byte by byte, and how it leaves."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import Enum
from typing import Any

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that turns a close into a reset."""


class End(Enum):
    """How the server leaves the connection."""

    CLOSE = "close"
    RESET = "reset"
    HOLD = "hold"
    """Not at all: it falls silent and waits for the client to go."""


@dataclass(frozen=True, slots=True)
class Script:
    """``parts`` are written one after the other, ``every`` seconds apart."""

    parts: Sequence[bytes]
    end: End = End.CLOSE
    every: float = 0.0

    def play(self, connection: socket.socket) -> None:
        """Write it all. Raises OSError when the client has gone."""
        for part in self.parts:
            connection.sendall(part)
            if self.every > 0:
                time.sleep(self.every)
        if self.end is End.HOLD:
            connection.settimeout(30)
            while connection.recv(65_536) != b"":
                continue
        if self.end is End.RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


@dataclass(frozen=True, slots=True)
class Right:
    """What a good API would answer here; ``turn`` counts the hostile answers before this one."""

    rows: Sequence[str]
    """Each record as JSON text."""
    around: Mapping[str, Any]
    headers: Mapping[str, str]
    turn: int = 0
    asked: Mapping[str, str] = field(default_factory=dict)
    """The request's parameters."""
    origin: str = ""
    path: str = ""

    def text(self, rows: Sequence[str] | None = None, **around: Any) -> str:  # noqa: ANN401
        """The page as JSON text, with other rows or other members around them."""
        members = {**self.around, **around}
        others = "".join(f',"{name}":{json.dumps(value)}' for name, value in members.items())
        return f'{{"rows":[{",".join(self.rows if rows is None else rows)}]{others}}}'

    def body(self, rows: Sequence[str] | None = None, **around: Any) -> bytes:  # noqa: ANN401
        return self.text(rows, **around).encode("utf-8", "surrogateescape")

    def answer(self, body: bytes | None = None, *headers: str, status: str = "200 OK") -> bytes:
        """A complete response; ``headers`` of the same name replace the usual ones."""
        sent = self.body() if body is None else body
        usual = {"Date": formatdate(usegmt=True), "Content-Type": "application/json", **self.headers}
        usual["Content-Length"] = str(len(sent))
        given = {line.partition(":")[0].strip().lower() for line in headers}
        lines = [f"{name}: {value}" for name, value in usual.items() if name.lower() not in given]
        kept = [line for line in headers if not line.endswith(": -")]
        head = "\r\n".join([f"HTTP/1.1 {status}", *lines, *kept, "Connection: close", "", ""])
        return head.encode("utf-8", "surrogateescape") + sent


def once(*parts: bytes, end: End = End.CLOSE) -> Script:
    return Script(parts, end)
