"""The wire of the emulators: HTTP/1.1 with kept-alive connections on loopback, one thread each."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.emulators.faults import Reply


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived. ``query`` keeps order and repetitions; ``headers`` have lower-case names."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    path: str = field(init=False)
    query: tuple[tuple[str, str], ...] = field(init=False)

    def __post_init__(self) -> None:
        split = urlsplit(self.target)
        object.__setattr__(self, "path", split.path)
        object.__setattr__(self, "query", tuple(parse_qsl(split.query, keep_blank_values=True)))

    def header(self, name: str) -> str | None:
        return next((value for have, value in self.headers if have == name.lower()), None)

    @property
    def params(self) -> dict[str, Any]:
        """The query's parameters and the JSON body's members, nested ones under dotted names."""
        return {**dict(self.query), **dict(_flat(self._document()))}

    def _document(self) -> Any:  # noqa: ANN401 (any JSON value)
        with suppress(ValueError):
            return json.loads(self.body)
        return {}


class Server:
    """Calls ``answer`` for every request and sends its reply, as broken as it is."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self._http = _Http(("127.0.0.1", 0), _Conversation)
        self._http.answer = answer
        self.origin = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def most_at_once(self) -> int:
        """The most requests that were ever under way together."""
        return self._http.most_at_once

    def close(self) -> None:
        """Stop, and cut the connections that are still open."""
        self._http.shutdown()
        self._http.cut()
        self._http.server_close()
        self._thread.join(timeout=5)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    answer: Callable[[Asked], Reply]

    def __init__(self, address: tuple[str, int], talk: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(address, talk)
        self.most_at_once = 0
        self._open: set[socket.socket] = set()
        self._counting = threading.Lock()
        self._busy = 0

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Counts one request until its answer is out."""
        with self._counting:
            self._busy += 1
            self.most_at_once = max(self.most_at_once, self._busy)
        try:
            yield
        finally:
            with self._counting:
                self._busy -= 1

    def server_bind(self) -> None:
        # HTTPServer looks its own name up here, which can wait for a name server.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (as the base class)
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 (as the base class)
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (as the base class)
        """A client that went away is no event; a defect of an emulator shows as a 500."""

    def cut(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Conversation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        headers = tuple((name.lower(), value) for name, value in self.headers.items())
        asked = Asked(self.command, self.path, headers, self.rfile.read(length))
        with self.server.under_way():
            try:
                reply = self.server.answer(asked)
            except Exception as error:  # noqa: BLE001 (a hook or a page failed: the test must see it)
                reply = Reply(status=500, document={"defect of the emulator": repr(error)})
            self._send(reply)

    do_POST = do_GET  # noqa: N815 (the base class calls it so)

    def _send(self, reply: Reply) -> None:
        time.sleep(reply.delay)
        if reply.dropped:
            self.close_connection = True
            return
        body = reply.encoded
        self.send_response_only(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(body) if reply.promised is None else reply.promised))
        for name, value in reply.headers:
            self.send_header(name, value)
        self.end_headers()
        for piece in _pieces(body, reply.drip):
            self.wfile.write(piece)
        self.close_connection = self.close_connection or reply.promised is not None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as the base class)
        """Nothing: the emulator's log is a list."""


def _pieces(body: bytes, drip: float) -> Iterator[bytes]:
    if drip == 0:
        yield body
        return
    for turn in range(len(body)):
        yield body[turn : turn + 1]
        time.sleep(drip)


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 (any JSON value)
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _flat(member, f"{prefix}{name}.")
    elif isinstance(value, list):
        for turn, member in enumerate(value):
            yield from _flat(member, f"{prefix}{turn}.")
    elif prefix != "":
        yield prefix[:-1], value
