"""What a request says about who asks, read when first needed and again when it is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from poller.core.model import Secret, Source, Stream
from poller.core.tokens import Token, TokenAuth
from poller.http.errand import Errand
from poller.http.identity import Fields, Identity
from poller.http.learned import Learned
from poller.http.tokens import Tokens


@dataclass(slots=True)
class Reading:
    """What one reading of the secrets gave; those of a stream are read when it asks."""

    number: int
    headers: Fields
    proof: Fields
    own: dict[tuple[tuple[str, Secret], ...], Fields] = field(default_factory=dict)


class Credentials:
    """One source's identity, shared by all threads: one of them reads, the others use what it read."""

    def __init__(self, source: Source, secrets: Learned, tokens: Tokens | None) -> None:
        self._source = source
        self._secrets = secrets
        self._tokens = tokens
        self._reading = threading.Lock()
        self._readings = 0
        self._read: Reading | None = None

    def current(self, errand: Errand) -> Identity:
        """The identity as last read, with a token that holds.

        Raises FetchError (authentication) when a secret cannot be read; Repeat, FetchError and
        Stopped when a token is needed and not to be had.
        """
        bare = self._known(errand.stream, refused=0)
        return bare if self._tokens is None else self._with(self._tokens.current(errand, bare), bare)

    def renew(self, refused: Identity, errand: Errand) -> None:
        """Have a newer identity than the one that was refused; reads and asks only when nobody did since.

        Raises what :meth:`current` raises.
        """
        bare = self._known(errand.stream, refused=refused.reading)
        if self._tokens is not None and refused.token is not None:
            self._tokens.replace(refused.token, errand, bare)

    def forget(self) -> None:
        """Read afresh at the next request."""
        with self._reading:
            self._read = None
        if self._tokens is not None:
            self._tokens.forget()

    def _known(self, stream: Stream, *, refused: int) -> Identity:
        """The newest reading as ``stream`` shows it, without a token; afresh if it is the refused one."""
        with self._reading, self._secrets.needed():
            if self._read is None or self._read.number == refused:
                self._read = None
                self._readings += 1
                self._read = Reading(self._readings, self._headers(self._source.headers), self._proof())
            read, secret = self._read, stream.secret_headers
            if secret not in read.own:
                read.own[secret] = self._headers(secret)
            own = read.own[secret]
        names = [name for name, value in self._source.headers if isinstance(value, Secret)]
        names += [name for name, _ in (*own, *read.proof)]
        return Identity(read.number, read.headers, own, read.proof, frozenset(name.lower() for name in names))

    def _with(self, token: Token, bare: Identity) -> Identity:
        auth = self._source.auth
        shown = tuple(auth.shown(token)) if isinstance(auth, TokenAuth) else ()
        hidden = bare.hidden | {name.lower() for name, _ in shown}
        return replace(bare, proof=shown, hidden=hidden, token=token)

    def _headers(self, given: Iterable[tuple[str, str | Secret]]) -> Fields:
        return tuple(
            (
                name,
                self._secrets.in_header(name, self._secrets(value)) if isinstance(value, Secret) else value,
            )
            for name, value in given
        )

    def _proof(self) -> Fields:
        """The headers of a credential that is no token."""
        auth = self._source.auth
        if auth is None or isinstance(auth, TokenAuth):
            return ()
        shown = tuple(
            (name, self._secrets.in_header(name, value)) for name, value in auth.headers(self._secrets)
        )
        for _, value in shown:  # user and password in base64 are a secret of their own
            self._secrets.redactor.learn(value.rpartition(" ")[2])
        return shown
