"""A token endpoint and an API that honours its tokens, on real sockets, and how many of each it gave."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from poller.auth.oauth2_client_credentials import ClientCredentials
from poller.core.model import Secret
from tests.http.world import Asked, Server, Stage, World, reply

SECRET = "cl1ent/s3cret+with=odd&chars"


@dataclass
class Vendor:
    """Issues ``token-1``, ``token-2``, … at ``/token``; everything else wants the newest of them."""

    life: float | None = 3600
    before: Callable[[], None] = field(default=lambda: None)
    """Called while a token request waits for its answer."""
    refusals: list[bytes] = field(default_factory=list)
    """Answers of the token endpoint that come before any token."""
    revoked: set[str] = field(default_factory=set)
    issued: int = 0
    asked: list[Asked] = field(default_factory=list)
    """The token requests."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked, connection: socket.socket) -> None:
        if asked.target.startswith("/token"):
            connection.sendall(self._token(asked))
            return
        given = asked.headers.get("authorization", "")
        good = given == f"Bearer token-{self.issued}" and given not in self.revoked
        connection.sendall(reply() if good else reply(401, f"no good: {given}".encode()))

    def revoke(self) -> None:
        """The newest token is refused from now on."""
        self.revoked.add(f"Bearer token-{self.issued}")

    def _token(self, asked: Asked) -> bytes:
        with self._lock:
            self.asked.append(asked)
            refusal = self.refusals.pop(0) if self.refusals else None
        self.before()
        if refusal is not None:
            return refusal
        with self._lock:
            self.issued += 1
            answer = {"access_token": f"token-{self.issued}", "token_type": "Bearer"}
            life = {} if self.life is None else {"expires_in": self.life}
        return reply(200, json.dumps(answer | life).encode())


def form_of(asked: Asked) -> dict[str, str]:
    """The form of a token request."""
    return dict(parse_qsl(asked.body.decode()))


def client(server: Server, **options: object) -> ClientCredentials:
    """Credentials of one client at ``server``'s token endpoint."""
    usual: dict[str, object] = {"client_id": "poller", "client_secret": Secret(SECRET)}
    return ClientCredentials(token_url=f"{server.origin}/token", **(usual | options))  # type: ignore[arg-type]


def world_of(stage: Stage, vendor: Vendor, folder: Path | None, **options: object) -> World:
    """A voice for a vendor whose token endpoint stands on the API's own origin."""
    server = stage.server(vendor)
    return stage.world(server.origin, auth=client(server), state_dir=folder, **options)
