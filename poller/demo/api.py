"""The demo's API: a real HTTP server in its own process, with records that change while it runs.

``python -m poller.demo.api --port 0 --seed 7`` prints one JSON line (``base_url``, ``port``,
``pid``) when it answers, and ends on SIGTERM, on Ctrl-C, or when its parent has died.

Beside the three listings, which want the header ``X-API-Key``: ``GET /_demo/health``,
``GET /_demo/truth/<stream>`` (every record, as JSON Lines), ``POST /_demo/freeze`` and
``/_demo/thaw`` (stop and resume the changes), ``POST /_demo/outage?seconds=6&how=both``
(503 in HTML, dropped connections, or both in turn; 0 seconds ends it).
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import signal
import socketserver
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from poller.demo.listings import LISTINGS, Asked, BadRequest
from poller.demo.world import World, encode, keep_changing

KEY_HEADER = "X-API-Key"
DEFAULT_KEY = "demo-key"
HTML = b"<html><head><title>503</title></head><body><h1>Service Temporarily Unavailable</h1></body></html>"
_JSON = "application/json; charset=utf-8"
_LINES = "application/x-ndjson"


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; 0 is the exit code of every orderly end."""
    options = _options(arguments)
    world = World(options.seed)
    api = DemoApi(("127.0.0.1", options.port), world, options.key)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=api.serve_forever, args=(0.1,), daemon=True).start()
    if options.rate > 0:
        threading.Thread(target=keep_changing, args=(world, options.rate, stop), daemon=True).start()
    told = {"base_url": api.origin, "port": api.server_address[1], "pid": os.getpid()}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    while not stop.wait(0.5) and os.getppid() == options.parent:
        pass
    stop.set()
    api.shutdown()
    api.server_close()
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m poller.demo.api", description="the bundled demo API")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port (default)")
    parser.add_argument("--seed", type=int, default=7, help="of the records (default 7)")
    parser.add_argument("--rate", type=float, default=20.0, help="changes per second (default 20)")
    parser.add_argument("--key", default=os.environ.get("POLLER_DEMO_KEY", DEFAULT_KEY), help="the API key")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="end with this process")
    return parser.parse_args(arguments)


class Outage:
    """From when until when the listings fail, and how: ``html``, ``drop``, or ``both`` in turn."""

    def __init__(self) -> None:
        self._until = 0.0
        self._how = "both"
        self._turns = count()

    def begin(self, seconds: float, how: str) -> None:
        if how not in ("html", "drop", "both"):
            raise BadRequest(f"how: {how!r} is none of html, drop, both")
        self._until, self._how = time.monotonic() + seconds, how

    @property
    def is_on(self) -> bool:
        return time.monotonic() < self._until

    def drops(self) -> bool:
        """Whether this request gets no answer at all."""
        return self._how == "drop" or (self._how == "both" and next(self._turns) % 2 == 1)


class DemoApi(ThreadingHTTPServer):
    """The server: a world, a key, and a count of requests."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], world: World, key: str) -> None:
        super().__init__(address, Conversation)
        self.world = world
        self.key = key
        self.outage = Outage()
        self.numbers = count(1)
        self.answered = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def server_bind(self) -> None:
        # HTTPServer would ask a name server for this machine's name here.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (as the base class)
        """A client that went away is no event."""


class Conversation(BaseHTTPRequestHandler):
    """One connection; every answer has a Date and an X-Request-ID."""

    protocol_version = "HTTP/1.1"
    server_version = "demo"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 60
    server: DemoApi

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        params = dict(parse_qsl(split.query))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if split.path.startswith("/_demo/"):
                self._control(split.path.removeprefix("/_demo/"), params)
            else:
                self._list(split.path, params)
        except BadRequest as problem:
            self._say(400, {"error": str(problem)})

    do_POST = do_GET  # noqa: N815

    def _list(self, path: str, params: Mapping[str, str]) -> None:
        api = self.server
        if api.outage.is_on:
            self._fail()
        elif not hmac.compare_digest(self.headers.get(KEY_HEADER, "").encode(), api.key.encode()):
            self._say(401, {"error": f"send the API key in the header {KEY_HEADER}"})
        elif path not in LISTINGS or self.command != "GET":
            self._say(404, {"error": f"there is no {self.command} {path}", "listings": sorted(LISTINGS)})
        else:
            with api.world.lock:
                body = encode(LISTINGS[path](Asked(api.world, params, api.origin)))
                self._begin(200, _JSON, len(body))
            self.wfile.write(body)

    def _fail(self) -> None:
        if self.server.outage.drops():
            self.close_connection = True
            return
        self._begin(503, "text/html", len(HTML))
        self.wfile.write(HTML)

    def _control(self, path: str, params: Mapping[str, str]) -> None:
        what, _, name = path.partition("/")
        if (self.command, what) == ("GET", "truth"):
            self._tell_truth(name)
        elif (self.command, path) == ("GET", "health"):
            self._say(200, self._health())
        elif (self.command, path) in (("POST", "freeze"), ("POST", "thaw")):
            with self.server.world.lock:
                self.server.world.frozen = path == "freeze"
            self._say(200, self._health())
        elif (self.command, path) == ("POST", "outage"):
            self.server.outage.begin(_seconds(params), params.get("how", "both"))
            self._say(200, self._health())
        else:
            self._say(404, {"error": f"there is no {self.command} /_demo/{path}"})

    def _tell_truth(self, name: str) -> None:
        world = self.server.world
        if name not in world.collections:
            self._say(404, {"error": f"no stream {name!r}", "streams": sorted(world.collections)})
            return
        with world.lock:
            collection = world.collections[name]
            records = [collection.records[number] for number in sorted(collection.records)]
            body = b"".join(encode(record) + b"\n" for record in records)
        self._begin(200, _LINES, len(body))
        self.wfile.write(body)

    def _health(self) -> dict[str, Any]:
        api = self.server
        return {
            "status": "outage" if api.outage.is_on else "ok",
            "frozen": api.world.frozen,
            "rows": api.world.counts(),
            "changes": api.world.changes,
            "requests": api.answered,
        }

    def _say(self, status: int, document: object) -> None:
        body = encode(document)
        self._begin(status, _JSON, len(body))
        self.wfile.write(body)

    def _begin(self, status: int, kind: str, length: int) -> None:
        number = next(self.server.numbers)
        self.server.answered = number
        self.send_response(status)
        self.send_header("X-Request-ID", f"demo-{number:06d}")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as the base class)
        """Nothing: the demo's terminal shows what the client sees."""


def _seconds(params: Mapping[str, str]) -> float:
    with suppress(ValueError):
        return max(0.0, float(params.get("seconds", "6")))
    raise BadRequest(f"seconds: {params['seconds']!r} is no number")


if __name__ == "__main__":
    sys.exit(main())
