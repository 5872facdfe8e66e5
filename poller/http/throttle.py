"""Permits to ask a source: at most so many at once, and never more than its rates in any rolling window.

Libraries count a request when its permit is taken. A server counts it when it arrives, which
may be as late as the moment we have its answer: a thousand permits taken in one second and a
thousand a minute later can arrive within less than a minute. So a permit here returns one window
after its response is *complete*; ``core/permits.py`` has the arithmetic.

The account stands in SQL, so that a restart, a crash and another process count on with it. Permits
are reserved there in blocks, before the first request of a block is sent. A block grows while it
is used up within a second, so that a fast source costs few writes and a slow one wastes nothing.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from poller.core.model import Window
from poller.core.permits import Ended, Grant, Tick, largest_block
from poller.http.patience import Patience
from poller.http.permits import StoredPermits
from poller.http.ticks import tick

GLANCE = 0.2
"""Seconds between two looks at the stop event while waiting for a permit."""

USE = 15.0
"""Seconds after its reservation in which a block may be used: what it has left then goes back."""

SLACK = 2.0
"""Seconds by which a request may overstay its timeout."""

FAST = 1.0
"""Seconds within which a block that was used up was too small."""

LOOK_AGAIN = 5.0
"""Seconds after which the account is asked again: another process may have given permits back."""


@dataclass(slots=True, eq=False)
class Block:
    """Permits that were reserved together, and what became of them. Guarded by the throttle's lock."""

    number: int
    left: int
    since: float
    until: float
    """The tick at which all that is done with it must be over."""
    last: float
    """The tick at which the last of its requests was over."""
    used: int = 0
    under_way: int = 0


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to send one request. ``block`` None: the source has no rate limit."""

    block: Block | None


class Throttle:
    """The permits of one source, shared by all threads; without windows nothing is asked of ``stored``."""

    def __init__(
        self,
        source: str,
        concurrency: int,
        windows: Sequence[Window],
        stored: StoredPermits,
        ticks: Callable[[], Tick] = tick,
    ) -> None:
        self._source = source
        self._concurrency = concurrency
        self._windows = tuple(windows)
        self._stored = stored
        self._ticks = ticks
        self._under_way = 0
        self._block: Block | None = None
        self._ended: list[Ended] = []
        self._size = 1
        self._lasting = 0.0
        self._asking = False
        self._ask_at = -math.inf
        """The tick before which the account need not be asked again."""
        self._wait_until = -math.inf
        """The tick at which the account said that a permit comes free; infinity when it cannot tell."""
        self._changed = threading.Condition()

    def take(self, patience: Patience, lasting: float) -> Permit:
        """Wait for a permit, for a request of at most ``lasting`` seconds.

        Give it back with :meth:`complete` or :meth:`cancel`. Raises FetchError (rate limited) at
        the end of the budget; Stopped; StoreUnavailable when the account cannot be kept.
        """
        with self._changed:
            self._lasting = max(self._lasting, lasting + SLACK)
            while (permit := self._free()) is None:
                patience.check()
                known = self._ask()
                if known > patience.left:
                    raise patience.refuse(known, "every permit to ask is out (concurrency, rate_limit)")
            if patience.stop.is_set():
                self._return(permit)
            patience.check()
            return permit

    def complete(self, permit: Permit) -> None:
        """The request is over, answered or not: its permit returns one window from now."""
        with self._changed:
            self._under_way -= 1
            if permit.block is not None:
                permit.block.under_way -= 1
                permit.block.last = self._ticks().seconds
                self._end(permit.block)
            self._changed.notify_all()

    def cancel(self, permit: Permit) -> None:
        """Nothing was sent: the permit returns at once."""
        with self._changed:
            self._return(permit)

    def relimit(self, concurrency: int, windows: Sequence[Window]) -> None:
        """Other limits from now on; what is under way counts against them."""
        with self._changed:
            self._retire()  # it was reserved under the old ones
            self._concurrency, self._windows = concurrency, tuple(windows)
            self._ask_at = self._wait_until = -math.inf
            self._changed.notify_all()

    def close(self) -> None:
        """Give back what was not used. No request may be under way. Raises StoreUnavailable."""
        with self._changed:
            self._retire()
            ended, self._ended = self._ended, []
        if ended:
            self._stored.settle(self._source, ended)

    def _free(self) -> Permit | None:
        """A permit that can be had without asking or waiting."""
        if self._under_way >= self._concurrency:
            return None
        block = None
        if self._windows:
            block = self._block
            if block is None or block.left == 0 or self._ticks().seconds + self._lasting > block.until:
                return None
            block.left -= 1
            block.used += 1
            block.under_way += 1
        self._under_way += 1
        return Permit(block)

    def _return(self, permit: Permit) -> None:
        self._under_way -= 1
        if permit.block is not None:
            permit.block.left += 1
            permit.block.used -= 1
            permit.block.under_way -= 1
            self._end(permit.block)
        self._changed.notify_all()

    def _ask(self) -> float:
        """Reserve a block, or wait a moment; the seconds that the wait is known to last at least."""
        now = self._ticks().seconds
        if self._under_way < self._concurrency and not self._asking and now >= self._ask_at:
            self._reserve(now)
            return 0.0
        known = self._wait_until - now if math.isfinite(self._wait_until) else 0.0
        pause = self._ask_at - now
        self._changed.wait(min(pause, GLANCE) if pause > 0 else GLANCE)
        return max(known, 0.0)

    def _reserve(self, now: float) -> None:
        """Ask the account, with the lock let go: an answer that comes meanwhile is not kept waiting."""
        self._resize(now)
        self._retire()
        ended, self._ended = self._ended, []
        lasting, unwritten = USE + self._lasting, ended
        self._asking = True
        self._changed.release()
        try:
            grant = self._stored.reserve(self._source, self._windows, self._size, lasting, ended)
            unwritten = []
        finally:
            self._changed.acquire()
            self._asking = False
            self._ended = [*unwritten, *self._ended]
            self._changed.notify_all()
        self._take_over(grant)

    def _take_over(self, grant: Grant) -> None:
        now = self._ticks().seconds
        if grant.block is not None:
            self._block = Block(grant.block, grant.permits, now, grant.until, last=now)
            self._ask_at = self._wait_until = -math.inf
        else:
            self._wait_until = now + grant.wait
            self._ask_at = now + min(grant.wait, LOOK_AGAIN)
            if self._ended:  # a block of ours ended while we asked
                self._ask_at = -math.inf

    def _resize(self, now: float) -> None:
        """Ask for more when the last block was used up fast, for less when it was not."""
        if self._block is not None:
            fast = self._block.left == 0 and now - self._block.since < FAST
            self._size = self._size * 2 if fast else max(1, self._size // 2)
        self._size = min(self._size, largest_block(self._windows))

    def _retire(self) -> None:
        """Use the current block no more."""
        block, self._block = self._block, None
        if block is not None:
            self._end(block)

    def _end(self, block: Block) -> None:
        """Note that a block is over, when it is: it will not be used, and nothing of it is under way."""
        if block is not self._block and block.under_way == 0:
            self._ended.append(Ended(block.number, block.used, block.last))
            self._ask_at = -math.inf
