"""What a source's requests say about who asks, read when first needed and again when it is refused."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from poller.core.errors import Category, FetchError, SettingsError
from poller.core.model import Reveal, Secret, Source
from poller.http.redact import Redactor


@dataclass(frozen=True, slots=True)
class Identity:
    """The header fields of one reading. ``reading`` counts the readings from 1."""

    reading: int
    headers: tuple[tuple[str, str], ...]
    """The source's own headers, secrets revealed."""
    proof: tuple[tuple[str, str], ...]
    """The headers of ``auth``."""
    hidden: frozenset[str]
    """Names, lower case, of the headers that carry a secret."""


class Credentials:
    """One source's identity, shared by all threads: one of them reads, the others use what it read."""

    def __init__(self, source: Source, reveal: Reveal, redactor: Redactor) -> None:
        self._source = source
        self._reveal = reveal
        self._redactor = redactor
        self._reading = threading.Lock()
        self._readings = 0
        self._identity: Identity | None = None

    def current(self) -> Identity:
        """The identity as last read. Raises FetchError (authentication) when a secret cannot be read."""
        with self._reading:
            if self._identity is None:
                self._identity = self._read()
            return self._identity

    def renewed(self, refused: Identity) -> Identity:
        """A newer identity than the one that was refused; reads only when nobody did since."""
        with self._reading:
            if self._identity is None or self._identity.reading == refused.reading:
                self._identity = self._read()
            return self._identity

    def forget(self) -> None:
        """Read afresh at the next request."""
        with self._reading:
            self._identity = None

    def _read(self) -> Identity:
        self._readings += 1
        try:
            headers = tuple(
                (name, self._learn(value) if isinstance(value, Secret) else value)
                for name, value in self._source.headers
            )
            proof: Sequence[tuple[str, str]] = (
                () if self._source.auth is None else self._source.auth.headers(self._learn)
            )
        except SettingsError as error:
            raise FetchError(
                Category.AUTHENTICATION,
                f"{self._source.name}: the credential cannot be read: {error}",
                hint=error.hint,
            ) from error
        secret = {name.lower() for name, value in self._source.headers if isinstance(value, Secret)}
        return Identity(
            self._readings, headers, tuple(proof), frozenset(secret | {name.lower() for name, _ in proof})
        )

    def _learn(self, secret: Secret) -> str:
        value = self._reveal(secret)
        self._redactor.learn(value)
        return value
