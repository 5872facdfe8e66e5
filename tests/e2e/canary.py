"""A secret that encodes differently everywhere, its forms, and an API that gives it back."""

from __future__ import annotations

import base64
import html
import json
import socket
import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from tests.http.world import Asked, Server, reply

ASCII = 'Zq7+k/=%&"<9f~3xKw'
"""What a header can carry, with all that URL, JSON, HTML and base64 write differently."""
LETTERS = ASCII + "ø€ж"
"""What a password may hold."""
TOKEN = "tOk3n+/=~%&Yh8vPq2"
FRAGMENT = 10
"""Characters of a secret that show too much of it."""
GOOD = b'{"rows":[{"id":1,"updated_at":"2026-01-01T00:00:00Z"}],"next":null}'


def forms(secret: str) -> Iterator[bytes]:
    """Every way in which ``secret``, or a long part of it, could be written down."""
    for begin in range(len(secret) - FRAGMENT + 1):
        part = secret[begin : begin + FRAGMENT]
        yield part.encode()
        yield part.encode("utf-16-le")
        for safe in ("", "/", "~", "/~"):
            yield quote(part, safe=safe).encode()
            yield quote(part, safe=safe).lower().encode()
        yield quote_plus(part).encode()
        yield json.dumps(part)[1:-1].encode()
        yield json.dumps(part, ensure_ascii=False)[1:-1].encode()
        yield html.escape(part).encode()
        yield repr(part)[1:-1].encode()
    for ahead in range(3):
        whole = base64.b64encode(b"\0" * ahead + secret.encode() + b"\0" * 2).decode()
        core = whole[4 : (ahead + len(secret.encode())) * 8 // 6]
        yield core.encode()
        yield core.replace("+", "-").replace("/", "_").encode()
    yield secret.encode().hex().encode()


def shown_in(text: bytes, secret: str) -> list[bytes]:
    """The forms of ``secret`` that stand in ``text``."""
    return sorted({form for form in forms(secret) if form in text})


Answer = Callable[[str, Asked], bytes]
"""What to answer, given all that the request told us in secret, as one text."""


def _json(status: int, **members: object) -> Answer:
    return lambda told, _: reply(status, json.dumps({**members, "said": told}).encode())


def _body(status: int, write: Callable[[str], bytes], kind: str = "application/json") -> Answer:
    return lambda told, _: reply(status, write(told), f"Content-Type: {kind}")


def _reply(status: int, body: bytes, *lines: str) -> bytes:
    """A response whose headers may hold anything."""
    head = "\r\n".join([f"HTTP/1.1 {status} Said", *lines, f"Content-Length: {len(body)}", "", ""])
    return head.encode() + body


def _header(status: int, name: str) -> Answer:
    return lambda told, _: _reply(status, GOOD, f"{name}: {told}")


ANSWERS: dict[str, Answer] = {
    "good": lambda *_: reply(200, GOOD),
    "unauthorized": _json(401),
    "forbidden": _json(403),
    "bad-request": _json(400),
    "broken": _json(500),
    "too-many": _json(429),
    "raw": _body(418, str.encode),
    "quoted": _body(400, lambda told: quote(told, safe="").encode()),
    "plus": _body(400, lambda told: quote_plus(told).encode()),
    "php": _body(400, lambda told: json.dumps({"said": told}).replace("/", "\\/").encode()),
    "dotnet": _body(
        400, lambda told: "".join(c if c.isalnum() else f"\\u{ord(c):04X}" for c in told).encode()
    ),
    "entities": _body(400, lambda told: "".join(c if c.isalnum() else f"&#{ord(c)};" for c in told).encode()),
    "python": _body(400, lambda told: repr(told.encode()).encode()),
    "base64": _body(400, lambda told: base64.b64encode(f"x{told}".encode())),
    "base64url": _body(400, lambda told: base64.urlsafe_b64encode(f"xy{told}".encode())),
    "cut-words": _body(400, lambda told: b"w" * 143 + told.encode(), "text/plain"),
    "cut-body": _body(400, lambda told: b"word " * 399 + told.encode(), "text/plain"),
    "html": _body(200, lambda told: f"<html>{html.escape(told)} {told}</html>".encode(), "text/html"),
    "html-error": _body(500, lambda told: f"<html>{told}</html>".encode(), "text/html"),
    "half": _body(200, lambda told: b'{"rows":[{"id":"' + told.encode()),
    "no-rows": _json(200, rows=None),
    "cut-page": _body(200, lambda told: b" " * (65_536 - 12) + told.encode()),
    "code": _json(200, statusCode=17, message="refused"),
    "code-said": lambda told, _: reply(200, json.dumps({"statusCode": 17, "message": told}).encode()),
    "code-cut": lambda told, _: reply(
        200, json.dumps({"statusCode": 17, "message": "w" * 190 + told}).encode()
    ),
    "kind": _header(200, "Content-Type"),
    "request-id": _header(200, "X-Request-ID"),
    "request-id-failed": _header(500, "X-Request-ID"),
    "retry-after": _header(503, "Retry-After"),
    "reason": lambda told, _: b"HTTP/1.1 400 " + told.encode() + b"\r\nContent-Length: 0\r\n\r\n",
    "no-status": lambda told, _: b"HTTP/1.1 " + told.encode() + b"\r\n\r\n",
    "encoding": _header(200, "Content-Encoding"),
    "location": lambda told, _: _reply(302, b"", f"Location: http://evil.invalid/{told}?t={quote(told)}"),
    "location-long": lambda told, _: _reply(302, b"", f"Location: /{'p' * 190}{quote(told, safe='')}"),
    "location-none": lambda told, _: _reply(302, b"", f"Location: http://[{told}"),
    "cursor": lambda told, _: reply(200, json.dumps({"rows": [{"id": 1}], "next": told}).encode()),
    "cursor-cut": lambda told, _: reply(
        200, json.dumps({"rows": [{"id": 1}], "next": "c" * 90 + told}).encode()
    ),
    "position": lambda told, _: reply(200, _rows({"id": 1, "updated_at": told})),
    "key": lambda told, _: reply(200, _rows({"id": {told: 1}})),
    "next-elsewhere": lambda told, _: reply(200, _next(f"http://evil.invalid/{quote(told)}?q={quote(told)}")),
    "next-user": lambda told, asked: reply(
        200, _next(f"http://u:{quote(told, safe='')}@{asked.headers['host']}/x")
    ),
    "next-own": lambda told, asked: reply(
        200, _next(f"http://{asked.headers['host']}/unauthorized?q={quote(told)}")
    ),
}


def _rows(*rows: object) -> bytes:
    return json.dumps({"rows": rows, "next": None}).encode()


def _next(url: str) -> bytes:
    return json.dumps({"rows": [{"id": 1}], "next": url}).encode()


def serve() -> Server:
    """``/NAME`` answers as ANSWERS says; ``/token`` gives the token, ``/token-NAME`` something worse."""
    return Server(_answer)


def _answer(asked: Asked, connection: socket.socket) -> None:
    place = urlsplit(asked.target).path.strip("/").partition("/")[0]
    if place == "silence":
        time.sleep(1.5)
        return
    if place == "token":
        answer = reply(200, json.dumps({"access_token": TOKEN, "expires_in": 3600}).encode())
    else:
        answer = ANSWERS[place.removeprefix("token-")](_told(asked), asked)
    connection.sendall(answer)


def _told(asked: Asked) -> str:
    """The secrets of a request, as whoever answers may read them."""
    known = [value for name, value in asked.headers.items() if name.startswith(("x-secret", "authorization"))]
    known += [base64.b64decode(value[6:]).decode() for value in known if value.startswith("Basic ")]
    if asked.headers.get("content-type", "").startswith("application/x-www-form"):
        known += [value for name, value in parse_qsl(asked.body.decode()) if name == "client_secret"]
    elif asked.body:
        known += [str(value) for value in json.loads(asked.body).values()]
    return " ".join(known)
