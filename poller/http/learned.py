"""Reads secrets so that none that was read is ever written down, and says which cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from poller.core.errors import Category, FetchError, SettingsError
from poller.core.model import Reveal, Secret
from poller.http.redact import Redactor


class Learned:
    """Fits ``Reveal``: each secret is known to the redactor before anybody has it."""

    def __init__(self, source: str, reveal: Reveal, redactor: Redactor) -> None:
        self._source = source
        self._reveal = reveal
        self.redactor = redactor

    def __call__(self, secret: Secret) -> str:
        value = self._reveal(secret)
        self.redactor.learn(value)
        return value

    def in_header(self, name: str, value: str) -> str:
        """``value`` if a header can carry it (RFC 9110 §5.5). Raises SettingsError that hides it."""
        if value.isascii() and value.isprintable():
            return value
        raise SettingsError(
            f"the secret for header {name} contains a character that is not ASCII",
            hint="what stands in a header is printable ASCII on one line",
        )

    @contextmanager
    def needed(self) -> Iterator[None]:
        """Inside, a secret that cannot be read is a failure to prove who asks: FetchError."""
        try:
            yield
        except SettingsError as error:
            raise FetchError(
                Category.AUTHENTICATION,
                f"{self._source}: the credential cannot be read: {error}",
                hint=error.hint,
            ) from error
