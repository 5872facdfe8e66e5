"""A source that costs next to nothing: pages written before anybody asks, served by a process of its own.

``GET /rows?cursor=…`` answers ``{"rows": […], "next": "…"}``, a thousand rows a page. Cursors are
opaque: one that counts rows or pages would be taken for a row number, and the listing read again
until two readings agree. Records have sixteen fields and about 600 bytes, one second apart, in the
order of their keys and of their positions. Run as a program it prints its base URL as one line of
JSON, and serves until its standard input closes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

PAGE = 1000
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
RECORD = """\
{"id":%(id)d,"number":"SO-%(id)08d","status":"%(status)s","customer_id":%(customer)d,\
"customer_name":"Customer %(customer)d — Ærøskøbing A/S","email":"buyer.%(customer)d@example.com",\
"currency":"NOK","total":%(total)s,"discount":null,"paid":%(paid)s,"lines":%(lines)d,\
"address":{"street":"Storgata %(lines)d","city":"Tromsø","zip":"9008","country":"NO"},\
"tags":["web","retail","priority"],"note":"%(note)s",\
"created_at":"2024-01-01T00:00:00Z","updated_at":"%(updated)s"}"""
NOTE = "Leave the parcel with the neighbour when nobody answers the door; ring twice. "


def record(number: int) -> str:
    """One record as JSON text, about 600 bytes."""
    fields = {
        "id": number,
        "status": ("open", "packed", "sent", "closed")[number % 4],
        "customer": number % 9973,
        "total": f"{number % 5000}.{number % 89 + 10}",
        "paid": "true" if number % 3 else "false",
        "lines": number % 17,
        "note": (NOTE * 3)[number % 40 :][:174],
        "updated": (FIRST + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return RECORD % fields


def pages(rows: int) -> dict[str, bytes]:
    """The body of every page by its cursor; the first page's is empty."""
    bodies = {}
    for first in range(0, rows, PAGE):
        page = ",".join(record(number) for number in range(first, min(first + PAGE, rows)))
        following = cursor(first + PAGE) if first + PAGE < rows else None
        bodies[cursor(first)] = f'{{"rows":[{page}],"next":{json.dumps(following)}}}'.encode()
    return bodies


def cursor(first: int) -> str:
    """The name of the page that begins with that record, which says nothing about it."""
    return "" if first == 0 else sha256(str(first).encode()).hexdigest()[:24]


@contextmanager
def source(rows: int) -> Iterator[str]:
    """The base URL of a source with that many rows, until the block ends."""
    command = [sys.executable, "-m", "tests.cost.source", str(rows)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["base_url"]
        finally:
            process.terminate()


def settings(base_url: str, database: str) -> str:
    """The TOML settings that mirror this source into ``database`` (a URL)."""
    return f"""\
[database]
url = "{database}"

[sources.shop]
base_url = "{base_url}"

[sources.shop.streams.orders]
path = "/rows"
params = {{ cursor = "{{cursor}}", limit = "{{size}}" }}
records = "rows"
key = "id"
updated_at = "updated_at"
order = "key"
schedule = "1h"
page = {{ type = "cursor", next = "next", size = {PAGE} }}
"""


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bodies: dict[str, bytes]

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        body = self.bodies[asked.get("cursor", [""])[0]]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its own name)
        """Nobody reads a log of this server."""


def main() -> None:
    _Answers.bodies = pages(int(sys.argv[1]))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"base_url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
