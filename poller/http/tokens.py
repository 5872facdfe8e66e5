"""One holder's token: in memory, in its file, or asked for; renewed early, by one caller at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from poller.core.errors import Category, FetchError
from poller.core.tokens import Token, TokenAuth, TokenRequest
from poller.http.errand import Errand
from poller.http.identity import Identity
from poller.http.learned import Learned
from poller.http.origins import Base
from poller.http.retry import Repeat
from poller.http.token_file import TokenFile
from poller.http.token_request import TokenCall, place_of

GLANCE = 0.2
"""Seconds between two looks at the stop event while another thread renews the token."""

REST = timedelta(seconds=10)
"""After an early renewal that failed: so long the old token is used before the next try."""

log = structlog.get_logger("poller.tokens")


class Tokens:
    """The token of one source's credential, shared by all threads. ``folder`` None keeps none on disk.

    Raises SettingsError when the place where it is asked for is no URL.
    """

    def __init__(self, kind: TokenAuth, base: Base, secrets: Learned, folder: Path | None) -> None:
        self._kind = kind
        self._url = place_of(kind, base)
        self._secrets = secrets
        self._identity = (str(self._url), *kind.identity)
        self._file = None if folder is None else TokenFile(folder, self._identity)
        self._renewing = threading.Lock()
        self._held: Token | None = None
        self._refused: str | None = None
        """The last token that the API refused: it is not taken from the file again."""
        self._tries = 0
        self._failure: Repeat | FetchError | None = None
        """What the last try was told in place of a token; None when it was told nothing of the kind."""
        self._rest_until: datetime | None = None

    @property
    def is_secure(self) -> bool:
        """Whether it is asked for over TLS."""
        return self._url.scheme == "https"

    def current(self, errand: Errand, bare: Identity) -> Token:
        """A token that holds. Raises Repeat, FetchError, Stopped when there is none to be had.

        ``bare`` is who asks but for the token.
        """
        held, now = self._held, errand.line.clock()
        if held is not None and (held.is_fresh(now) or (held.is_valid(now) and self._is_looked_after(now))):
            return held
        tries = self._tries
        with self._alone(errand):
            if self._held is not None and self._held is not held:
                return self._held
            try:
                self._share_failure(tries)
                return self._renew(errand, bare)
            except Repeat as failed:
                if held is None or self._held is None or not held.is_valid(errand.line.clock()):
                    raise
                self._rest_until = now + REST
                reason = failed.failure.message
                log.warning("token not renewed early", stream=str(errand.stream), error=reason)
                return held

    def replace(self, refused: Token, errand: Errand, bare: Identity) -> None:
        """Have another token than the one that the API refused; ask for one only when nobody did since.

        Raises what :meth:`current` raises.
        """
        tries = self._tries
        with self._alone(errand):
            if self._held is not None and self._held.value != refused.value:
                return
            self._held, self._refused = None, refused.value
            self._share_failure(tries)
            self._renew(errand, bare)

    def forget(self) -> None:
        """Look at the secrets again before the next request; the same ones go on with the same token."""
        self._held = None

    def _is_looked_after(self, now: datetime) -> bool:
        """Whether a token that should be renewed can be used on: somebody is at it, or just failed."""
        return self._renewing.locked() or (self._rest_until is not None and now < self._rest_until)

    def _share_failure(self, tries: int) -> None:
        """What another caller was told while we waited holds for us: nobody asks in vain twice."""
        if self._tries != tries and self._failure is not None:
            raise self._failure

    def _renew(self, errand: Errand, bare: Identity) -> Token:
        self._failure = None
        try:
            self._held = self._found(errand, bare)
        except (Repeat, FetchError) as failed:
            if isinstance(failed, Repeat) or failed.category is Category.AUTHENTICATION:
                self._failure = failed
            raise  # the rest is this caller's alone: the end of its budget
        finally:
            self._tries += 1
        return self._held

    def _found(self, errand: Errand, bare: Identity) -> Token:
        """The token that another process was given, else one of our own."""
        with self._secrets.needed():
            request = self._kind.asks(self._secrets)
        for name, value in request.headers:
            if name.lower() != "accept":  # id and secret in base64 are a secret of their own
                self._secrets.redactor.learn(value.rpartition(" ")[2])
        holder = _holder(request)
        with nullcontext() if self._file is None else self._file.locked(errand.patience):
            kept = None if self._file is None else self._file.read(holder)
            if kept is not None and kept.value != self._refused and kept.is_fresh(errand.line.clock()):
                return self._learned(kept)
            token = self._learned(TokenCall(self._kind, request, self._url, errand, bare).token())
            if self._file is not None:
                self._file.write(token, holder)
            return token

    def _learned(self, token: Token) -> Token:
        self._secrets.redactor.learn_token(token.value, self._identity)
        return token

    @contextmanager
    def _alone(self, errand: Errand) -> Iterator[None]:
        """Inside, no other thread renews. Raises Stopped, and FetchError at the end of the budget."""
        while not self._renewing.acquire(timeout=GLANCE):
            errand.patience.check()
            if errand.patience.left <= 0:
                raise FetchError(
                    Category.UNREACHABLE, f"{errand.stream}: no token came before the end of this run"
                )
        try:
            yield
        finally:
            self._renewing.release()


def _holder(request: TokenRequest) -> bytes:
    """Who asks, secrets and all: with other secrets the token is another's."""
    return json.dumps([request.method, request.target, request.headers, (request.body or b"").hex()]).encode()
