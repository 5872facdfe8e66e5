"""A gigabyte that comes as a megabyte is stopped before it is one, in a real process."""

from __future__ import annotations

import gzip
import json
import random
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from poller.core.model import Limits
from poller.http.body import Body
from tests.http.world import Asked, Server

GIGABYTE = 1_000_000_000
MOST = 200_000_000
"""Bytes of memory."""
PIECE = 1_000_000

SETTINGS = """\
[database]
url = "sqlite:///{database}"

[sources.shop]
base_url = "{base_url}"
retry = {{ attempts = 2, initial = "10ms", maximum = "10ms" }}

[sources.shop.streams.orders]
path = "/rows"
params = {{ cursor = "{{cursor}}" }}
records = "rows"
key = "id"
order = "none"
schedule = "1h"
page = {{ type = "cursor", next = "next" }}
"""


def gzipped(noise: int) -> Iterator[bytes]:
    """A gigabyte of gzip; of each megabyte ``noise`` bytes cannot be compressed."""
    piece = random.Random(noise).randbytes(noise) + b" " * (PIECE - noise)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)  # the next one would be the same bytes
    yield b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    for _ in range(GIGABYTE // PIECE):
        yield block


def plain() -> Iterator[bytes]:
    for _ in range(GIGABYTE // PIECE):
        yield b" " * PIECE


BOMBS: dict[str, tuple[Callable[[], Iterator[bytes]], str]] = {
    "gzip of nothing but spaces": (partial(gzipped, 0), "Content-Encoding: gzip"),
    "gzip just below the ratio that is allowed": (partial(gzipped, 11_000), "Content-Encoding: gzip"),
    "no compression at all": (plain, "X-Compressed: no"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("bomb", "header"), BOMBS.values(), ids=BOMBS)
def test_a_gigabyte_needs_less_than_200_megabytes(
    tmp_path: Path, bomb: Callable[[], Iterator[bytes]], header: str
) -> None:
    def explode(_: Asked, connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\n{header}\r\n\r\n".encode())
        for piece in bomb():
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)

    server = Server(explode)
    settings = tmp_path / "settings.toml"
    settings.write_text(SETTINGS.format(database=tmp_path / "mirror.db", base_url=server.origin))

    peak = peak_of_once(settings)
    server.close()

    assert peak < MOST, f"{peak / 1e6:.0f} MB at the peak"


def peak_of_once(settings: Path) -> int:
    """Bytes at the peak of one ``poller once``, which has to fail and to name the limit."""
    command = [sys.executable, "-m", "tests.cost.once", str(settings)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "limits." in done.stderr
    return int(json.loads(done.stdout.splitlines()[-1])["peak"])


def test_a_large_body_within_the_limits_is_whole() -> None:
    body = random.Random(1).randbytes(1_000_000) + b" " * 40_000_000 + b"the end"
    packed = gzip.compress(body, 1)
    reading = Body("gzip", None, Limits())

    for begin in range(0, len(packed), 65_536):
        reading.feed(packed[begin : begin + 65_536])

    assert reading.finish() == body
