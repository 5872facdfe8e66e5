"""Notes how much of its quota an API says is used, every few seconds at most."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Protocol

from poller.core.errors import StoreError
from poller.core.model import Source
from poller.core.page import Response

SELDOM = 5.0
"""Seconds between two notes."""

_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?")


class StoredUsage(Protocol):
    """The last usage of the sources, kept in SQL."""

    def used(self, source: str, used: float | None, limit: float | None) -> None:
        """None leaves what stands. Raises StoreUnavailable."""
        ...


class Usage:
    """One source's usage; safe to share between threads. ``stored`` None notes nothing."""

    def __init__(
        self, source: Source, stored: StoredUsage | None, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._stored = stored
        self._seconds = seconds
        self._noting = threading.Lock()
        self._noted_at: float | None = None
        self._latest: tuple[float | None, float | None] | None = None

    def listen(self, response: Response) -> None:
        """Note what the answer says, unless something was noted just now. It is news, not an account:
        that it cannot be written fails no request.
        """
        headers = self._source.usage
        if headers is None or self._stored is None:
            return
        latest = (_number(response.header(headers.used)), _number(response.header(headers.limit)))
        if latest == (None, None):
            return
        with self._noting:
            self._latest = latest
            now = self._seconds()
            if self._noted_at is not None and now - self._noted_at < SELDOM:
                return
            self._noted_at = now
            self._write()

    def close(self) -> None:
        """Note the last that was said."""
        with self._noting:
            self._write()

    def _write(self) -> None:
        if self._latest is None or self._stored is None:
            return
        try:
            self._stored.used(self._source.name, *self._latest)
            self._latest = None
        except StoreError:
            return


def _number(text: str | None) -> float | None:
    """What it counts; None when the header is missing, or is no number."""
    stripped = "" if text is None else text.strip()
    return float(stripped) if _NUMBER.fullmatch(stripped) else None
