"""Permits that are kept for as long as the process lives: where there is no database to keep them in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import count
from typing import Protocol

from poller.core.model import Window
from poller.core.permits import Ended, Grant, Spent, Tick, free, memory_of, wait
from poller.http.ticks import tick


class StoredPermits(Protocol):
    """The rate budget of the sources, kept in SQL: exact over processes, restarts and crashes."""

    def reserve(
        self, source: str, windows: Sequence[Window], want: int, lasting: float, ended: Sequence[Ended]
    ) -> Grant:
        """Remember what ended, and reserve up to ``want`` permits for at most ``lasting`` seconds.

        Committed on return. Raises StoreUnavailable, and nothing may be sent then.
        """
        ...

    def settle(self, source: str, ended: Sequence[Ended]) -> None:
        """Remember what ended. Raises StoreUnavailable."""
        ...


class PassingPermits:
    """Fits :class:`StoredPermits`, for one source."""

    def __init__(self, ticks: Callable[[], Tick] = tick) -> None:
        self._ticks = ticks
        self._numbers = count(1)
        self._open: dict[int, int] = {}
        self._over: list[Ended] = []
        self._lock = threading.Lock()

    def reserve(
        self, source: str, windows: Sequence[Window], want: int, lasting: float, ended: Sequence[Ended]
    ) -> Grant:
        self.settle(source, ended)
        with self._lock:
            now = self._ticks().seconds
            self._over = [each for each in self._over if now - each.at < memory_of(windows)]
            spent = [Spent(each.used, now - each.at) for each in self._over]
            spent += [Spent(permits, 0.0, is_open=True) for permits in self._open.values()]
            granted = min(want, free(windows, spent))
            if granted < 1:
                return Grant(None, wait=wait(windows, spent))
            number = next(self._numbers)
            self._open[number] = granted
            return Grant(number, granted, now + lasting)

    def settle(self, source: str, ended: Sequence[Ended]) -> None:
        del source
        with self._lock:
            for each in ended:
                self._open.pop(each.block, None)
            self._over += ended
