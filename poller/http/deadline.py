"""When a request under way must end: its total time, or a while after we were asked to stop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

from poller.http.patience import Stop

SLICE = 0.5
"""Seconds that one socket call may block before deadline and stop are looked at again."""


class TimedOut(Exception):
    """The request's total time is used up."""


class Abandoned(Exception):
    """We were asked to stop, and the answer did not come in the time that was left to it."""


class Deadline:
    """One request's deadline, checked by every socket call that is made under it."""

    def __init__(self, timeout: timedelta, stop: Stop, grace: timedelta) -> None:
        self._timeout = timeout.total_seconds()
        self._ends_at = time.monotonic() + self._timeout
        self._stop = stop
        self._grace = grace.total_seconds()
        self._abandon_at: float | None = None

    def slice(self) -> float:
        """Seconds, at most :data:`SLICE`, that the next call may block. Raises TimedOut, Abandoned."""
        now = time.monotonic()
        if self._stop.is_set() and self._abandon_at is None:
            self._abandon_at = now + self._grace
        if self._abandon_at is not None and now >= self._abandon_at:
            raise Abandoned(f"asked to stop; no complete answer came within {self._grace:g} s")
        if now >= self._ends_at:
            raise TimedOut(f"no complete answer within {self._timeout:g} s")
        ends_at = self._ends_at if self._abandon_at is None else min(self._ends_at, self._abandon_at)
        return min(SLICE, ends_at - now)

    @property
    def left(self) -> float:
        """Seconds until the total time is used up."""
        return self._ends_at - time.monotonic()

    @contextmanager
    def governs(self) -> Iterator[None]:
        """Inside, every socket call of this thread obeys this deadline."""
        token = _GOVERNING.set(self)
        try:
            yield
        finally:
            _GOVERNING.reset(token)


def governing() -> Deadline:
    """The deadline of the request that this thread is making."""
    return _GOVERNING.get()


_GOVERNING: ContextVar[Deadline] = ContextVar("deadline")
