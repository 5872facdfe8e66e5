"""Servers that take their time: each would keep a client for ever that waits for the next byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.hostile.case import FAILED, Case, Hostile, Moment, at_moments
from tests.hostile.script import End, Right, Script

Bytes = Callable[[Right], bytes]
DRIP = 0.05
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def cases() -> Iterator[Case]:
    yield from at_moments(_silences(), *Moment)
    yield from at_moments(_drips(), *Moment)


def _silences() -> Iterator[Case]:
    for name, said in {
        "at once": lambda _: b"",
        "in the status line": lambda _: b"HTTP/1.1 20",
        "in the headers": lambda _: HEAD,
        "after an interim answer": lambda _: b"HTTP/1.1 100 Continue\r\n\r\n",
        "after the headers": lambda _: HEAD + b"Content-Length: 100\r\n\r\n",
        "in the body": lambda right: right.answer()[:-1],
        "in the body of no length": lambda right: HEAD + b"\r\n" + right.body(),
        "before the first chunk": lambda _: HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        "in a chunk": lambda _: HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{",
        "before the last chunk": lambda right: _chunk(right)[:-5],
    }.items():
        yield Case(f"silence {name}", _then(said, End.HOLD), FAILED)


def _drips() -> Iterator[Case]:
    for name, dripped in {
        "the status line": lambda _: (b"", b"HTTP/1.1 200 " + b"O" * 1000),
        "headers": lambda _: (HEAD, b"X-A: " + b"a" * 1000),
        "header after header": lambda _: (HEAD, b"A:b\r\n" * 200),
        "interim answers": lambda _: (b"", b"HTTP/1.1 103 Hints\r\n\r\n" * 50),
        "the body": lambda right: (right.answer()[:-200], right.answer()[-200:]),
        "white space in front of the page": lambda _: (HEAD + b"\r\n", b" " * 1000),
        "chunks": lambda _: (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 200),
        "line ends in front": lambda _: (b"", b"\r\n" * 500),
    }.items():
        yield Case(f"a drip of {name}", _dripping(dripped), FAILED)


def _then(said: Bytes, end: End) -> Hostile:
    return lambda right: Script([said(right)], end)


def _chunk(right: Right) -> bytes:
    body = right.body()
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def _dripping(dripped: Callable[[Right], tuple[bytes, bytes]]) -> Hostile:
    def script(right: Right) -> Script:
        at_once, slowly = dripped(right)
        return Script([at_once, *(bytes([byte]) for byte in slowly)], End.HOLD, DRIP)

    return script
