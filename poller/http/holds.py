"""Keeps a source unasked for as long as it asked for, for all its streams and over restarts."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from poller.core.permits import Tick
from poller.http.patience import Patience
from poller.http.ticks import tick

LOOK_AGAIN = 5.0
"""Seconds after which a waiting request reads the stored hold again: it may be longer now, or lifted."""


class StoredHolds(Protocol):
    """The moment before which a source must not be asked, kept in SQL."""

    def not_before(self, source: str) -> datetime | None: ...

    def hold(self, source: str, until: datetime, reason: str) -> None: ...


class Hold:
    """One source's hold.

    It is committed before anybody waits. While the commit is under way, and if it fails,
    the moment is remembered here, so that this process at least obeys it. A hold that was
    placed here is measured by a clock that nobody sets; one of another process, or of an
    earlier life, by the wall clock.
    """

    def __init__(
        self,
        source: str,
        stored: StoredHolds,
        clock: Callable[[], datetime],
        ticks: Callable[[], Tick] = tick,
    ) -> None:
        self._ticks = ticks
        self._latest: datetime | None = None
        """The latest moment that was placed here, and the tick until which that and all others last."""
        self._ends = -math.inf
        self._source = source
        self._stored = stored
        self._clock = clock
        self._uncommitted: datetime | None = None
        self._placing = threading.Lock()

    def place(self, seconds: float, reason: str) -> None:
        """Keep everybody away for ``seconds`` from now. Returns when it is committed."""
        until, ends = self._clock() + timedelta(seconds=seconds), self._ticks().seconds + seconds
        with self._placing:
            self._latest = max(until, self._latest or until)
            self._ends = max(ends, self._ends)
            self._uncommitted = max(until, self._uncommitted or until)
            self._stored.hold(self._source, self._uncommitted, reason)
            self._uncommitted = None

    def seconds(self) -> float:
        """How much longer the source must not be asked; 0.0 when it may be."""
        known = (self._uncommitted, self._stored.not_before(self._source))
        return max((0.0, *(self._left(until) for until in known if until is not None)))

    def wait(self, patience: Patience) -> None:
        """Return when the source may be asked. Raises FetchError when that is too long a wait; Stopped."""
        while (seconds := self.seconds()) > 0:
            if seconds > patience.left_in_hold:
                raise patience.refuse(seconds, "the API asked not to be asked yet (Retry-After, RateLimit)")
            patience.sleep(min(seconds, LOOK_AGAIN))

    def _left(self, until: datetime) -> float:
        ours = self._ends - self._ticks().seconds
        if until == self._latest:
            return ours
        return max(ours, (until - self._clock()).total_seconds())
