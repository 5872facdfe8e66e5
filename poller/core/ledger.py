"""Each slot's one outcome: which run owns it, which were missed, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from poller.core.schedule import Schedule


class Reason(StrEnum):
    """Why a slot has no successful run of its own."""

    FAILED = "failed"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"
    DOWN = "down"
    KILLED = "killed"
    OVERRUN = "overrun"
    SUSPENDED = "suspended"
    CLOCK = "clock"
    PAUSED = "paused"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Missed:
    """A stretch of consecutive slots missed for one reason: one ledger row."""

    first: datetime
    last: datetime
    count: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Account:
    """How far a stream's slots are accounted for. ``last`` None: never; ``fingerprint`` the schedule's."""

    last: datetime | None
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class Liveness:
    """What this process knows of its own life when it looks at the ledger.

    ``up_since``: when it took the lease. ``awake_since``: the start of the unbroken stretch
    of heartbeats that reaches to now; later than ``up_since`` after a suspension.
    ``busy_until``: until when the stream's own previous run (or a full pool) kept it from
    being polled; None when nothing did.
    """

    up_since: datetime
    awake_since: datetime
    busy_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """``own``: the slot that a run starting now owns, None when there is none left to own;
    ``missed``: the stretches to write down; ``account``: how far the books now go."""

    own: datetime | None
    missed: tuple[Missed, ...]
    account: Account


def settle(schedule: Schedule, account: Account, now: datetime, liveness: Liveness) -> Settlement:
    """Account for every slot not later than ``now``, for a run that starts now."""
    raise NotImplementedError
