"""Real servers on loopback that answer byte by byte as a test wants, and a voice that speaks to them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from poller.core.model import Retry, Reveal, Source, Stream
from poller.core.request import Request, Template
from poller.core.runs import Attempt
from poller.core.steps import Fetch, Fetched
from poller.core.verdict import judge
from poller.http import HttpVoice, Redactor
from poller.http.permits import StoredPermits
from poller.http.usage import StoredUsage
from poller.pagers.offset import Offset
from poller.secrets import reveal


@dataclass(frozen=True)
class Asked:
    """One request as a server received it; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float


Answer = Callable[[Asked, socket.socket], None]


class Server:
    """Serves each connection in a thread; ``answer`` writes whatever bytes it likes."""

    def __init__(self, answer: Answer, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.most_at_once = 0
        """The most requests that were ever under way together."""
        self._under_way = 0
        self._counting = threading.Lock()
        self._answer = answer
        self._tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=64)
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        port = self._listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.origin = f"{'https' if tls else 'http'}://{shown}:{port}"

    def close(self) -> None:
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        with self._counting:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            yield
        finally:
            with self._counting:
                self._under_way -= 1

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection:
                while True:
                    asked = _read_request(connection)
                    self.asked.append(asked)
                    with self._counted():
                        self._answer(asked, connection)


def _read_request(connection: socket.socket) -> Asked:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(connection)
    return Asked(method, target, headers, body, time.monotonic())


def _more(connection: socket.socket) -> bytes:
    chunk = connection.recv(65_536)
    if chunk == b"":
        raise EOFError
    return chunk


def reply(status: int = 200, body: bytes = b"[]", *headers: str) -> bytes:
    """One complete response with a Content-Length."""
    lines = [f"HTTP/1.1 {status} Said", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def says(*answers: bytes) -> Answer:
    """Sends the answers one after the other, the last one for ever."""
    left = list(answers)

    def answer(_: Asked, connection: socket.socket) -> None:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return answer


def drips(text: bytes, *, at_once: bytes = b"", every: float = 0.2) -> Answer:
    """Sends ``at_once``, then ``text`` a byte at a time."""

    def answer(_: Asked, connection: socket.socket) -> None:
        connection.sendall(at_once)
        for byte in text:
            time.sleep(every)
            connection.sendall(bytes([byte]))

    return answer


class StoredHolds:
    """Holds as a store keeps them, with a record of when each was committed (monotonic)."""

    def __init__(self) -> None:
        self.until: dict[str, datetime] = {}
        self.reasons: list[str] = []
        self.placed_at: list[float] = []

    def not_before(self, source: str) -> datetime | None:
        return self.until.get(source)

    def hold(self, source: str, until: datetime, reason: str) -> None:
        self.until[source] = max(until, self.until.get(source, until))
        self.reasons.append(reason)
        self.placed_at.append(time.monotonic())


@dataclass(frozen=True, slots=True)
class Grid:
    """A schedule that nobody asks."""

    fingerprint: str = "none"

    def next(self, after: datetime) -> datetime:
        return after

    def latest(self, through: datetime) -> datetime:
        return through

    def count(self, after: datetime, through: datetime) -> int:
        return int(after != through)


QUICK = Retry(attempts=1, initial=timedelta(seconds=0.01), maximum=timedelta(seconds=0.05))


def stream(name: str = "things", **options: Any) -> Stream:  # noqa: ANN401
    """A stream without filter; one attempt, two seconds."""
    usual: dict[str, Any] = {"retry": QUICK, "timeout": timedelta(seconds=2)}
    return Stream(
        "shop", name, f"shop_{name}", Template("GET", "/things"), Offset(), Grid(), **(usual | options)
    )


@dataclass
class World:
    """What a test holds in its hands: a voice for ``source`` and everything it did."""

    source: Source
    holds: StoredHolds = field(default_factory=StoredHolds)
    stop: threading.Event = field(default_factory=threading.Event)
    redactor: Redactor = field(default_factory=Redactor)
    attempts: list[Attempt] = field(default_factory=list)
    debug: list[str] = field(default_factory=list)
    grace: timedelta = timedelta(seconds=15)
    tls: ssl.SSLContext | None = None
    reveal: Reveal = reveal
    permits: StoredPermits | None = None
    noted: StoredUsage | None = None
    state_dir: Path | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        self.voice = HttpVoice(
            self.source,
            self.holds,
            self.clock,
            self.stop,
            self.redactor,
            self.reveal,
            self.debug.append,
            grace=self.grace,
            tls=self.tls,
            permits=self.permits,
            usage=self.noted,
            state_dir=self.state_dir,
        )

    def fetch(
        self,
        target: str = "/things",
        *,
        asks: Stream | None = None,
        budget: float = 60.0,
        **request: Any,  # noqa: ANN401
    ) -> Fetched:
        asks = stream() if asks is None else asks
        judging = request.pop("judge", None)
        how = {key: request.pop(key) for key in ("mid_scan", "optional") if key in request}
        wanted = replace(Request("GET", target), **request)
        return self.voice.fetch(
            asks,
            wanted,
            judging or partial(judge, asks, Fetch(wanted, **how)),
            self.attempts.append,
            run="r1",
            give_up_at=self.clock() + timedelta(seconds=budget),
        )


class Stage:
    """Servers and worlds of one test, closed at its end."""

    def __init__(self) -> None:
        self._closing = contextlib.ExitStack()

    def server(self, answer: Answer, **options: Any) -> Server:  # noqa: ANN401
        server = Server(answer, **options)
        self._closing.callback(server.close)
        return server

    def world(self, base_url: str, **options: Any) -> World:  # noqa: ANN401
        """Options of the source, or of the world where the names are the world's."""
        own = {key: options.pop(key) for key in tuple(options) if key in World.__dataclass_fields__}
        world = World(Source("shop", base_url, **options), **own)
        self._closing.callback(world.voice.close)
        return world

    def close(self) -> None:
        self._closing.close()


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """The block ends within ``seconds``."""
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < seconds, f"took {took:.2f} s, allowed {seconds:g} s"
