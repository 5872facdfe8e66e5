"""When a stream asks for a poll: the slots of a schedule, counted and never listed.

A slot is an aware UTC datetime on a fixed grid. Whoever implements :class:`Schedule` answers
by arithmetic: ten years of missed slots cost what one does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Schedule(Protocol):
    """A fixed grid of slots; a frozen dataclass; one file under ``poller/schedules``."""

    @property
    def fingerprint(self) -> str:
        """Changes exactly when the grid does; stored with the last accounted slot."""
        ...

    def next(self, after: datetime) -> datetime:
        """The first slot later than ``after``."""
        ...

    def latest(self, through: datetime) -> datetime:
        """The newest slot not later than ``through``."""
        ...

    def count(self, after: datetime, through: datetime) -> int:
        """How many slots lie in the half-open range ``(after, through]``; 0 when it is empty."""
        ...
