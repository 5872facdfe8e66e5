"""A request ends when it must, whatever the server does."""

from __future__ import annotations

import socket
import threading
import time
from datetime import timedelta

import pytest

from poller.core.errors import Category, FetchError, Stopped
from poller.core.model import Retry
from poller.core.page import Page
from poller.http.deadline import Deadline
from poller.http.transport import _connect
from tests.http.world import Asked, Server, Stage, at_most, drips, reply, says, stream

IN_ONE_SECOND = stream(timeout=timedelta(seconds=1))


def silence(_: Asked, connection: socket.socket) -> None:
    connection.recv(1)


def test_headers_that_drip_end_at_the_timeout(stage: Stage) -> None:
    server = stage.server(drips(reply()))
    world = stage.world(server.origin)

    with at_most(2), pytest.raises(FetchError, match="no complete answer within 1 s") as caught:
        world.fetch(asks=IN_ONE_SECOND)

    assert caught.value.category is Category.UNREACHABLE
    assert world.attempts[0].status is None
    assert 1 <= world.attempts[0].duration < 1.6


def test_a_body_that_drips_ends_at_the_timeout(stage: Stage) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    server = stage.server(drips(b" " * 1000, at_once=head))
    world = stage.world(server.origin)

    with at_most(2), pytest.raises(FetchError, match="no complete answer within 1 s after HTTP 200"):
        world.fetch(asks=IN_ONE_SECOND)

    assert world.attempts[0].status == 200
    assert 0 < world.attempts[0].bytes_received < 10


def test_a_server_that_never_answers_ends_at_the_timeout(stage: Stage) -> None:
    server = stage.server(silence)
    world = stage.world(server.origin)

    with at_most(2), pytest.raises(FetchError, match="within 1 s"):
        world.fetch(asks=IN_ONE_SECOND)


def test_a_server_that_does_not_read_ends_at_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        stage = Stage()
        world = stage.world(f"http://127.0.0.1:{deaf.getsockname()[1]}")

        with at_most(2), pytest.raises(FetchError, match="within 1 s"):
            world.fetch(asks=IN_ONE_SECOND, method="POST", body=b" " * 20_000_000)

        stage.close()


def test_a_tls_handshake_that_is_never_answered_ends_at_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        stage = Stage()
        world = stage.world(f"https://127.0.0.1:{mute.getsockname()[1]}")

        with at_most(2), pytest.raises(FetchError, match="within 1 s"):
            world.fetch(asks=IN_ONE_SECOND)

        stage.close()


def test_a_slow_answer_inside_the_timeout_is_a_page(stage: Stage) -> None:
    server = stage.server(drips(b"[]", at_once=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", every=0.6))
    world = stage.world(server.origin)

    page = world.fetch()

    assert isinstance(page, Page)


def test_the_pool_survives_many_timeouts(stage: Stage) -> None:
    impatient = stream(timeout=timedelta(seconds=0.05))
    slow = threading.Event()

    def answer(_: Asked, connection: socket.socket) -> None:
        connection.sendall(reply() if slow.wait(0.1) else b"")

    server = stage.server(answer)
    world = stage.world(server.origin, concurrency=2)
    for _ in range(10):
        with pytest.raises(FetchError):
            world.fetch(asks=impatient)

    slow.set()
    page = world.fetch()

    assert isinstance(page, Page)


def test_an_answer_that_is_not_there_in_time_after_a_stop_is_abandoned(stage: Stage) -> None:
    server = stage.server(silence)
    world = stage.world(server.origin, grace=timedelta(seconds=0.3))
    threading.Timer(0.2, world.stop.set).start()

    with at_most(1.6), pytest.raises(Stopped, match="nothing of it was written"):
        world.fetch(asks=stream(timeout=timedelta(seconds=30)))

    assert world.attempts[0].error is not None


def test_an_answer_that_comes_in_time_after_a_stop_is_a_page(stage: Stage) -> None:
    server = stage.server(drips(b"[]", at_once=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", every=0.4))
    world = stage.world(server.origin)
    threading.Timer(0.1, world.stop.set).start()

    page = world.fetch()

    assert isinstance(page, Page)


def test_nothing_is_sent_after_a_stop(stage: Stage) -> None:
    server = stage.server(says(reply()))
    world = stage.world(server.origin)
    world.stop.set()

    with pytest.raises(Stopped):
        world.fetch()

    assert server.asked == []


def test_a_refused_connection_names_the_place(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    world = stage.world(f"http://127.0.0.1:{port}")

    said = f"cannot connect to 127.0.0.1 port {port}: Connection refused"
    with pytest.raises(FetchError, match=said) as caught:
        world.fetch()

    assert caught.value.category is Category.UNREACHABLE


def test_a_name_that_does_not_exist_is_named(stage: Stage) -> None:
    world = stage.world("http://no-such-host.invalid")

    with at_most(5), pytest.raises(FetchError, match=r"no-such-host\.invalid|within 2 s"):
        world.fetch()


def test_localhost_finds_the_server_behind_either_address(stage: Stage) -> None:
    server = stage.server(says(reply()))
    port = server.origin.rpartition(":")[2]
    world = stage.world(f"http://localhost:{port}")

    page = world.fetch()

    assert isinstance(page, Page)
    assert server.asked[0].headers["host"] == f"localhost:{port}"


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_ipv6_address_works() -> None:
    stage = Stage()
    try:
        server = stage.server(says(reply()), host="::1")
    except OSError as error:
        pytest.skip(f"no IPv6 loopback: {error}")
    world = stage.world(server.origin)

    page = world.fetch()
    stage.close()

    assert isinstance(page, Page)


def test_connections_are_kept_and_used_again(stage: Stage) -> None:
    server = stage.server(says(reply()))
    world = stage.world(server.origin)

    for _ in range(5):
        world.fetch()

    assert (len(server.asked), server.connections) == (5, 1)


def test_a_connection_that_the_server_closed_is_not_used_again(stage: Stage) -> None:
    def answer(_: Asked, connection: socket.socket) -> None:
        connection.sendall(reply())
        connection.shutdown(socket.SHUT_RDWR)

    server = stage.server(answer)
    world = stage.world(server.origin)

    for _ in range(3):
        world.fetch()
        time.sleep(0.05)

    assert server.connections == 3


def test_a_reset_in_the_middle_of_the_body_is_no_page(stage: Stage) -> None:
    def answer(_: Asked, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()

    server: Server = stage.server(answer)
    world = stage.world(server.origin)

    with pytest.raises(FetchError) as caught:
        world.fetch()

    assert caught.value.category is Category.UNREACHABLE
    assert caught.value.status == 200


def test_a_name_that_can_be_none_is_a_failure_to_connect(stage: Stage) -> None:
    world = stage.world("http://two..dots")

    with at_most(1), pytest.raises(FetchError, match=r"cannot resolve two\.\.dots") as caught:
        world.fetch()

    assert caught.value.category is Category.UNREACHABLE


def test_a_server_that_hangs_up_while_we_send_is_a_broken_connection(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:
        world = stage.world(f"http://127.0.0.1:{rude.getsockname()[1]}")

        def hang_up() -> None:
            connection, _ = rude.accept()
            connection.recv(1000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with at_most(1), pytest.raises(FetchError, match=r"connection broke|disconnected") as caught:
            world.fetch(method="POST", body=b" " * 20_000_000)
        thread.join()

    assert caught.value.category is Category.UNREACHABLE


def test_an_address_that_does_not_answer_leaves_time_for_the_next_one() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        deadline = Deadline(timedelta(seconds=5), threading.Event(), timedelta(seconds=5))

        with at_most(1.2), pytest.raises(TimeoutError):
            _connect(socket.AF_INET, full.getsockname(), time.monotonic() + 0.2, deadline).close()

        for filler in fillers:
            filler.close()


def test_interim_answers_without_end_end_at_the_timeout(stage: Stage) -> None:
    def answer(_: Asked, connection: socket.socket) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)

    server = stage.server(answer)
    world = stage.world(server.origin)

    with at_most(2), pytest.raises(FetchError, match="within 1 s") as caught:
        world.fetch(asks=IN_ONE_SECOND)

    assert caught.value.category is Category.UNREACHABLE


def test_a_server_that_asks_us_to_continue_and_falls_silent_ends_at_the_timeout(stage: Stage) -> None:
    server = stage.server(drips(b"", at_once=b"HTTP/1.1 100 Continue\r\n\r\n"))
    world = stage.world(server.origin)

    with at_most(2), pytest.raises(FetchError, match="within 1 s"):
        world.fetch(asks=IN_ONE_SECOND, method="POST", body=b"{}")


def test_an_interim_answer_before_a_page_is_passed_over(stage: Stage) -> None:
    server = stage.server(says(b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + reply()))
    world = stage.world(server.origin)

    page = world.fetch()

    assert isinstance(page, Page)


def test_a_kept_connection_whose_other_end_is_gone_without_a_word_ends_at_the_timeout(stage: Stage) -> None:
    answered = threading.Event()

    def answer(_: Asked, connection: socket.socket) -> None:
        if not answered.is_set():
            answered.set()
            connection.sendall(reply())

    server = stage.server(answer)
    world = stage.world(server.origin)
    world.fetch()

    with at_most(2), pytest.raises(FetchError, match="within 1 s"):
        world.fetch(asks=IN_ONE_SECOND)

    assert server.connections == 1


def test_a_kept_connection_that_is_reset_when_it_is_used_again_costs_one_attempt(stage: Stage) -> None:
    answered = threading.Event()

    def answer(_: Asked, connection: socket.socket) -> None:
        if answered.is_set() and server.connections == 1:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.close()
            return
        answered.set()
        connection.sendall(reply())

    server = stage.server(answer)
    world = stage.world(server.origin)
    world.fetch()

    page = world.fetch(asks=stream(retry=Retry(attempts=2, initial=timedelta(seconds=0.01))))

    assert isinstance(page, Page)
    assert server.connections == 2


def test_a_server_that_accepts_no_connection_ends_at_the_timeout(stage: Stage) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        world = stage.world(f"http://127.0.0.1:{full.getsockname()[1]}")

        with at_most(2), pytest.raises(FetchError, match=r"within 1 s|timed out") as caught:
            world.fetch(asks=IN_ONE_SECOND)

        for filler in fillers:
            filler.close()
    assert caught.value.category is Category.UNREACHABLE


def test_chunks_that_drip_their_sizes_end_at_the_timeout(stage: Stage) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = stage.server(drips(b"1;extension" * 100, at_once=head))
    world = stage.world(server.origin)

    with at_most(2), pytest.raises(FetchError, match="within 1 s after HTTP 200"):
        world.fetch(asks=IN_ONE_SECOND)


def test_an_error_page_that_drips_is_that_error_at_the_timeout(stage: Stage) -> None:
    head = b"HTTP/1.1 403 No\r\nContent-Length: 1000\r\n\r\n"
    server = stage.server(drips(b"x" * 1000, at_once=head))
    world = stage.world(server.origin)

    with at_most(2), pytest.raises(FetchError) as caught:
        world.fetch(asks=IN_ONE_SECOND)

    assert caught.value.category is Category.FORBIDDEN
