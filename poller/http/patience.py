"""How long one request may wait for its turn, and how a wait is cut short."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from poller.core.errors import Category, FetchError, Stopped


class Stop(Protocol):
    """The stop event, as ``threading.Event`` has it."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """The limits of every wait of one request: the end of the run's budget, and the stop event.

    ``longest_hold``: seconds; while the source must be left alone for longer, nobody waits for it.
    """

    source: str
    clock: Callable[[], datetime]
    stop: Stop
    give_up_at: datetime
    longest_hold: float = math.inf

    @property
    def left(self) -> float:
        """Seconds until the run's budget ends; negative when it is over."""
        return (self.give_up_at - self.clock()).total_seconds()

    @property
    def left_in_hold(self) -> float:
        """Seconds for which the end of a hold is waited for."""
        return min(self.left, self.longest_hold)

    def check(self) -> None:
        """Raise Stopped when we were asked to stop."""
        if self.stop.is_set():
            raise Stopped(f"{self.source}: asked to stop; the request was not sent")

    def sleep(self, seconds: float) -> None:
        """Wait; raise Stopped as soon as we are asked to stop."""
        if self.stop.wait(seconds):
            self.check()

    def refuse(self, seconds: float, reason: str) -> FetchError:
        """The error for a wait of ``seconds`` that is not begun because it is too long for this run."""
        ends = f"this run ends at {self.give_up_at:%H:%M:%S} UTC"
        why = ends if seconds > self.left else "no run waits for that"
        return FetchError(
            Category.RATE_LIMITED,
            f"{self.source}: {reason}: {seconds:.0f} s to wait, but {why}",
            hint="nothing to do: a later poll goes on; poll less often if it happens every time",
        )
