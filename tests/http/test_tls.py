"""TLS works under the deadlines, and an untrusted server is not spoken to.

``localhost.pem`` is a certificate for localhost, signed by itself, valid for a century, with its key.
"""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from poller.core.errors import Category, FetchError
from poller.core.page import Page
from tests.http.world import Stage, at_most, drips, reply, says, stream

PEM = Path(__file__).with_name("localhost.pem")


@pytest.fixture
def server_side() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


@pytest.fixture
def client_side() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(PEM))


def test_a_page_comes_over_tls_on_one_kept_connection(
    stage: Stage, server_side: ssl.SSLContext, client_side: ssl.SSLContext
) -> None:
    server = stage.server(says(reply(200, b"[" + b"1," * 200_000 + b"1]")), tls=server_side)
    world = stage.world(server.origin, tls=client_side)

    pages = [world.fetch() for _ in range(3)]

    assert all(isinstance(page, Page) and page.rows == 200_001 for page in pages)
    assert server.connections == 1


def test_a_large_request_goes_over_tls(
    stage: Stage, server_side: ssl.SSLContext, client_side: ssl.SSLContext
) -> None:
    server = stage.server(says(reply()), tls=server_side)
    world = stage.world(server.origin, tls=client_side)

    world.fetch(method="POST", body=b"x" * 3_000_000)

    assert server.asked[0].body == b"x" * 3_000_000


def test_a_body_that_drips_over_tls_ends_at_the_timeout(
    stage: Stage, server_side: ssl.SSLContext, client_side: ssl.SSLContext
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    server = stage.server(drips(b" " * 1000, at_once=head), tls=server_side)
    world = stage.world(server.origin, tls=client_side)

    with at_most(2), pytest.raises(FetchError, match="within 1 s"):
        world.fetch(asks=stream(timeout=timedelta(seconds=1)))


def test_an_untrusted_certificate_is_refused_before_anything_is_asked(
    stage: Stage, server_side: ssl.SSLContext
) -> None:
    server = stage.server(says(reply()), tls=server_side)
    world = stage.world(server.origin)

    with pytest.raises(FetchError, match=r"TLS with 127\.0\.0\.1 failed: .*certificate") as caught:
        world.fetch()

    assert caught.value.category is Category.UNREACHABLE
    assert server.asked == []


def test_the_machine_can_be_told_whom_to_trust(
    stage: Stage, server_side: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = stage.server(says(reply()), tls=server_side)
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    world = stage.world(server.origin)

    page = world.fetch()

    assert isinstance(page, Page)
