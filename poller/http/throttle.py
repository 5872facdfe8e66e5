"""Permits to ask a source: at most so many at once, and never more than its rates in any rolling window.

pyrate-limiter counts a request when its permit is taken. A server counts it when it
arrives, which may be as late as the moment we have its answer: a thousand permits taken
in one second and a thousand a minute later can arrive within less than a minute. So a
permit here returns one window after its response is *complete*. In pyrate-limiter 4 an
entry has one fixed moment, its log must stay sorted by it, and an entry without a moment
(a request under way) cannot be counted; hence these few lines of our own.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from poller.core.model import Window
from poller.http.patience import Patience

MARGIN = 0.01
"""Seconds that a permit stays out beyond its window: two clocks never run quite alike."""

GLANCE = 0.2
"""Seconds between two looks at the stop event while waiting for a permit."""


class Throttle:
    """The permits of one source, shared by all threads. ``now`` is a monotonic clock in seconds."""

    def __init__(
        self, concurrency: int, windows: Sequence[Window], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._concurrency = concurrency
        self._rates = [_Rate(window) for window in windows]
        self._now = now
        self._in_flight = 0
        self._changed = threading.Condition()

    def take(self, patience: Patience) -> None:
        """Wait for a permit. Raises FetchError (rate limited) at the end of the budget; Stopped.

        Give it back with :meth:`complete` or :meth:`cancel`.
        """
        with self._changed:
            while (pause := self._pause()) > 0:
                patience.check()
                known = 0.0 if math.isinf(pause) else pause
                if known > patience.left:
                    raise patience.refuse(known, "every permit to ask is out (concurrency, rate_limit)")
                self._changed.wait(min(pause, GLANCE))
            patience.check()
            self._in_flight += 1

    def complete(self) -> None:
        """The request is over, answered or not: its permit returns one window from now."""
        with self._changed:
            self._in_flight -= 1
            for rate in self._rates:
                rate.completed.append(self._now())
            self._changed.notify_all()

    def cancel(self) -> None:
        """Nothing was sent: the permit returns at once."""
        with self._changed:
            self._in_flight -= 1
            self._changed.notify_all()

    def _pause(self) -> float:
        """Seconds until a permit is free: 0 for now, infinity when only a completion can tell."""
        if self._in_flight >= self._concurrency:
            return math.inf
        return max((rate.pause(self._now(), self._in_flight) for rate in self._rates), default=0.0)


class _Rate:
    """One rolling window and when the requests that still count in it were completed."""

    def __init__(self, window: Window) -> None:
        self._permits = window.permits
        self._span = window.per.total_seconds() + MARGIN
        self.completed: deque[float] = deque()

    def pause(self, now: float, in_flight: int) -> float:
        while self.completed and self.completed[0] + self._span <= now:
            self.completed.popleft()
        too_many = in_flight + len(self.completed) - self._permits + 1
        if too_many <= 0:
            return 0.0
        return (
            self.completed[too_many - 1] + self._span - now if too_many <= len(self.completed) else math.inf
        )
