"""Carries requests over sockets whose every wait is short: no server can keep us longer than we allow.

httpx measures its timeouts per read: a byte a second never trips them. Here connecting, the
TLS handshake, each read and each write block for half a second at most and then ask the
request's :class:`Deadline` whether to go on. Pooling and HTTP/1.1 stay httpcore's.
"""

from __future__ import annotations

import errno
import os
import queue
import select
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from poller.http.deadline import Deadline, governing

KEPT_ALIVE = 5.0
"""Seconds that an idle connection is kept; common servers close theirs after five."""

PIECE = 65_536
"""Bytes handed to the kernel in one write."""

BROKEN = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpx.TransportError,
)
"""All the ways in which an exchange breaks without an answer."""


class DeadlineTransport(httpx.BaseTransport):
    """httpx's seam to the network: at most ``connections`` open at once; ``tls`` None for plain HTTP."""

    def __init__(self, connections: int, tls: ssl.SSLContext | None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=KEPT_ALIVE,
            network_backend=DeadlineBackend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Chunks(answer))

    def close(self) -> None:
        self._pool.close()


class _Chunks(httpx.SyncByteStream):
    """The body of one answer as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections under the deadline of the request that needs them."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        deadline = governing()
        addresses = _resolve(host, port, deadline)
        failures: list[str] = []
        for tried, (family, address) in enumerate(addresses):
            share = deadline.left / (len(addresses) - tried)
            try:
                return DeadlineStream(_connect(family, address, time.monotonic() + share, deadline))
            except OSError as error:
                named = "" if address[0] == host else f"{address[0]}: "
                failures.append(named + _words(error))
        raise httpcore.ConnectError(f"cannot connect to {host} port {port}: {'; '.join(failures)}")


class DeadlineStream(httpcore.NetworkStream):
    """One connection, plain or TLS."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            self._sock.settimeout(governing().slice())
            try:
                return self._sock.recv(max_bytes)
            except TimeoutError:
                continue
            except OSError as error:
                raise httpcore.ReadError(f"the connection broke: {_words(error)}") from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            self._sock.settimeout(governing().slice())
            try:
                rest = rest[self._sock.send(rest[:PIECE]) :]
            except TimeoutError:
                continue
            except OSError as error:
                raise httpcore.WriteError(f"the connection broke: {_words(error)}") from error

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        try:
            wrapped = ssl_context.wrap_socket(
                self._sock, server_hostname=server_hostname, do_handshake_on_connect=False
            )
        except (OSError, ValueError) as error:
            self.close()
            raise httpcore.ConnectError(f"TLS with {server_hostname} failed: {_words(error)}") from error
        try:
            _shake_hands(wrapped)
        except OSError as error:
            wrapped.close()
            raise httpcore.ConnectError(f"TLS with {server_hostname} failed: {_words(error)}") from error
        except BaseException:
            wrapped.close()
            raise
        return DeadlineStream(wrapped)

    def get_extra_info(self, fact: str) -> Any:  # noqa: ANN401 (httpcore's contract)
        if fact == "ssl_object":
            return self._sock if isinstance(self._sock, ssl.SSLSocket) else None
        return _is_readable(self._sock) if fact == "is_readable" else None


def _shake_hands(wrapped: ssl.SSLSocket) -> None:
    while True:
        wrapped.settimeout(governing().slice())
        try:
            return wrapped.do_handshake()
        except TimeoutError:
            continue


def _is_readable(sock: socket.socket) -> bool:
    """Whether an idle connection has something to say, which can only be its end."""
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _resolve(host: str, port: int, deadline: Deadline) -> list[tuple[socket.AddressFamily, Any]]:
    """The addresses of ``host``. The resolver cannot be interrupted, so it is left behind when it is late."""
    answer: queue.SimpleQueue[list[tuple[socket.AddressFamily, Any]] | Exception] = queue.SimpleQueue()

    def look_up(flags: int) -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
            answer.put([(family, address) for family, _, _, _, address in found])
        except (OSError, UnicodeError) as error:
            answer.put(error)

    look_up(socket.AI_NUMERICHOST)
    first = answer.get()
    if not isinstance(first, Exception):
        return first
    threading.Thread(target=look_up, args=(0,), name=f"resolve {host}", daemon=True).start()
    while True:
        try:
            found = answer.get(timeout=deadline.slice())
        except queue.Empty:
            continue
        if isinstance(found, Exception):
            raise httpcore.ConnectError(f"cannot resolve {host}: {_words(found)}") from found
        return found


def _connect(
    family: socket.AddressFamily,
    address: Any,  # noqa: ANN401 (host and port, and two more for IPv6)
    until: float,
    deadline: Deadline,
) -> socket.socket:
    """A connected socket. Raises OSError, also when ``until`` (monotonic) passes: others get their chance."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        begun = sock.connect_ex(address)
        failed = _outcome(sock, until, deadline) if begun == errno.EINPROGRESS else begun
        _refuse(failed)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _outcome(sock: socket.socket, until: float, deadline: Deadline) -> int:
    """How a connection attempt ended, as an errno; 0 is success."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        while not selector.select(deadline.slice()):
            if time.monotonic() >= until:
                return errno.ETIMEDOUT
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _refuse(failed: int) -> None:
    if failed != 0:
        raise OSError(failed, os.strerror(failed))


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
