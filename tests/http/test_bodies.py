"""What a body may cost, and what is not a whole body."""

from __future__ import annotations

import gzip
import socket
import tracemalloc
import zlib

import pytest

from poller.core.errors import Category, FetchError
from poller.core.model import Limits
from poller.core.page import Page
from poller.http.body import Body, OutOfBounds, Undecodable
from tests.http.world import Stage, at_most, reply, says

ROWS = b"[" + b",".join(b'{"id":%d,"name":"n%d"}' % (number, number * 7919) for number in range(5000)) + b"]"
GZIP = "Content-Encoding: gzip"


def test_a_gzip_body_is_decoded_and_counted_as_it_was_on_the_wire(stage: Stage) -> None:
    packed = gzip.compress(ROWS)
    server = stage.server(says(reply(200, packed, GZIP)))
    world = stage.world(server.origin)

    page = world.fetch()

    assert isinstance(page, Page)
    assert page.rows == 5000
    assert world.attempts[0].bytes_received == len(packed)
    assert server.asked[0].headers["accept-encoding"] == "gzip"


def test_a_chunked_body_is_put_together(stage: Stage) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (ROWS[:10], ROWS[10:11], ROWS[11:]))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = stage.server(says(head + chunks + b"0\r\n\r\n"))
    world = stage.world(server.origin)

    page = world.fetch()

    assert isinstance(page, Page)
    assert page.rows == 5000


@pytest.mark.parametrize(
    ("answer", "category", "why"),
    [
        (reply(200, gzip.compress(ROWS)[:-4], GZIP), Category.SHAPE, "cut short"),
        (reply(200, gzip.compress(ROWS)[:-9], GZIP), Category.SHAPE, "cut short"),
        (reply(200, gzip.compress(ROWS) + b"garbage", GZIP), Category.SHAPE, "garbage"),
        (reply(200, ROWS, GZIP), Category.SHAPE, "no gzip"),
        (reply(200, zlib.compress(ROWS), "Content-Encoding: deflate"), Category.SHAPE, "only gzip"),
        (reply(200, ROWS, "Content-Encoding: br"), Category.SHAPE, "only gzip"),
        (reply(200, gzip.compress(b" " * 5_000_000), GZIP), Category.BOUNDS, r"limits\.ratio"),
    ],
    ids=["no trailer", "no end", "garbage behind", "not gzip", "deflate", "brotli", "bomb"],
)
def test_a_body_that_is_not_whole_or_too_well_packed_is_no_page(
    stage: Stage, answer: bytes, category: Category, why: str
) -> None:
    server = stage.server(says(answer))
    world = stage.world(server.origin)

    with pytest.raises(FetchError, match=why) as caught:
        world.fetch()

    assert caught.value.category is category


def test_a_chunked_body_that_is_cut_is_no_page(stage: Stage) -> None:
    cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n[]\r\n"

    def answer(_: object, connection: object) -> None:
        connection.sendall(cut)  # type: ignore[attr-defined]
        connection.close()  # type: ignore[attr-defined]

    server = stage.server(answer)
    world = stage.world(server.origin)

    with pytest.raises(FetchError) as caught:
        world.fetch()

    assert caught.value.category is Category.UNREACHABLE


def test_a_body_that_announces_itself_as_too_large_is_not_read(stage: Stage) -> None:
    server = stage.server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 70000000\r\n\r\n"))
    world = stage.world(server.origin)

    with pytest.raises(FetchError, match=r"70,000,000 bytes announced is over limits\.wire") as caught:
        world.fetch()

    assert caught.value.category is Category.BOUNDS
    assert len(server.asked) == 1


def test_a_plain_body_over_the_wire_limit_is_cut_off(stage: Stage) -> None:
    chunk = b"fffff\r\n" + b" " * 0xFFFFF + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = stage.server(says(head + chunk * 4 + b"0\r\n\r\n"))
    world = stage.world(server.origin, limits=Limits(wire=2_000_000))

    with pytest.raises(FetchError, match=r"limits\.wire"):
        world.fetch()

    assert world.attempts[0].bytes_received < 2_200_000


def test_a_request_body_over_the_limit_is_not_sent(stage: Stage) -> None:
    server = stage.server(says(reply()))
    world = stage.world(server.origin, limits=Limits(request=10))

    with pytest.raises(FetchError, match=r"limits\.request") as caught:
        world.fetch(method="POST", body=b"12345678901")

    assert caught.value.category is Category.BOUNDS
    assert server.asked == []


def test_an_error_with_a_broken_body_is_still_that_error(stage: Stage) -> None:
    server = stage.server(says(reply(403, b"no gzip at all", GZIP)))
    world = stage.world(server.origin)

    with pytest.raises(FetchError) as caught:
        world.fetch()

    assert caught.value.category is Category.FORBIDDEN


def test_a_bomb_in_one_chunk_costs_no_more_than_the_bound() -> None:
    bomb = gzip.compress(b" " * 60_000_000)
    body = Body("gzip", None, Limits(decoded=4_000_000, ratio=10_000))
    tracemalloc.start()

    with pytest.raises(OutOfBounds, match=r"limits\.decoded"):
        body.feed(bomb)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


def test_every_way_of_cutting_the_chunks_gives_the_same_body() -> None:
    packed = gzip.compress(ROWS[:3000]) + gzip.compress(b"") + gzip.compress(ROWS[3000:9000])
    for size in (1, 2, 7, 19, 1000, len(packed)):
        body = Body("gzip", None, Limits())

        for start in range(0, len(packed), size):
            body.feed(packed[start : start + size])

        assert body.finish() == ROWS[:9000]


def test_every_cut_of_a_gzip_body_is_noticed() -> None:
    first, second = gzip.compress(ROWS[:2000]), gzip.compress(ROWS[2000:2100])
    packed = first + second
    for length in {*range(1, len(packed))} - {len(first)}:
        body = Body("gzip", None, Limits())
        body.feed(packed[:length])

        with pytest.raises(Undecodable):
            body.finish()


def test_a_large_body_whose_end_falls_on_a_piece_is_whole() -> None:
    for length in (262_144, 262_143, 262_145, 524_288):
        text = bytes(range(256)) * (length // 256 + 1)
        body = Body("gzip", None, Limits(ratio=2000))

        body.feed(gzip.compress(text[:length]))

        assert body.finish() == text[:length]


def test_a_small_dull_page_is_no_bomb() -> None:
    body = Body("x-gzip, identity", None, Limits())

    body.feed(gzip.compress(b" " * 900_000))

    assert len(body.finish()) == 900_000


def test_a_body_without_bytes_is_empty_whatever_its_encoding() -> None:
    assert Body("gzip", "0", Limits()).finish() == b""


@pytest.mark.parametrize("packed", [False, True])
def test_of_a_large_error_page_the_beginning_is_kept(packed: bool) -> None:  # noqa: FBT001 (two cases)
    page = b"<p>" * 200_000
    body = Body("gzip" if packed else None, None, Limits(decoded=65_536))

    with pytest.raises(OutOfBounds):
        body.feed(gzip.compress(page) if packed else page)

    assert body.so_far() == page[:65_536]


@pytest.mark.parametrize(
    "head",
    [
        b"X: " + b"a" * 1_000_000 + b"\r\n",
        b"".join(b"X-%d: y\r\n" % number for number in range(60_000)),
        b"X" * 1_000_000,
    ],
    ids=["one long", "many", "a name without end"],
)
def test_headers_without_measure_are_out_of_bounds_and_said_so(stage: Stage, head: bytes) -> None:
    server = stage.server(says(b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 2\r\n\r\n[]"))
    world = stage.world(server.origin)

    with pytest.raises(FetchError, match="headers of the answer are over 100 KB") as caught:
        world.fetch()

    assert caught.value.category is Category.BOUNDS


def test_a_thousand_headers_are_read(stage: Stage) -> None:
    server = stage.server(says(reply(200, b"[]", *(f"X-{number}: y" for number in range(1000)))))
    world = stage.world(server.origin)

    page = world.fetch()

    assert isinstance(page, Page)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nX\x00Y: z\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\n folded: z\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n[]\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;" + b"e" * 300_000 + b"\r\n[]\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
    ],
)
def test_an_answer_that_is_no_http_is_a_server_that_cannot_be_reached(stage: Stage, answer: bytes) -> None:
    def speak(_: object, connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.close()

    server = stage.server(speak)
    world = stage.world(server.origin)

    with at_most(3), pytest.raises(FetchError) as caught:
        world.fetch()

    assert caught.value.category in (Category.UNREACHABLE, Category.BOUNDS, Category.REFUSED)
