"""How a stream is doing, in the words that its users know, from facts and the time.

===========  ==========================================================================
state        the first that holds
===========  ==========================================================================
``blocked``  somebody has to decide something first (changed settings, a lost token)
``paused``   somebody said so
``new``      never read to its end, nothing failed, and it is moving or not yet overdue
``healing``  overdue, but pages are coming in: behind, and catching up
``down``     overdue, and the last run failed or died, or nothing was even tried for as
             long again; or the very first run failed
``late``     overdue: the oldest slot without a successful run is more than ``grace`` ago
``healing``  on time, with missed polls not yet covered or a scan not yet at its end
``ok``       on time, and nothing is open
===========  ==========================================================================

It is progress that counts, never that a process is alive: whoever reads the database can judge,
also when there is no process any more. A failure within the grace changes nothing; the next
slot may mend it before anybody needs to know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from poller.core.duration import about
from poller.core.runs import Outcome
from poller.core.schedule import Schedule


class State(StrEnum):
    """What is said of a stream; :data:`WORST_FIRST` orders them."""

    NEW = "new"
    OK = "ok"
    LATE = "late"
    DOWN = "down"
    PAUSED = "paused"
    HEALING = "healing"
    BLOCKED = "blocked"


WORST_FIRST = (
    State.DOWN,
    State.BLOCKED,
    State.LATE,
    State.HEALING,
    State.NEW,
    State.PAUSED,
    State.OK,
)
UNHEALTHY = frozenset({State.DOWN, State.BLOCKED, State.LATE})
"""What ``status --check`` and alerts call a problem; all others are as they should be."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the memory knows of a stream. Build ``due`` and ``hopeless_after`` with :func:`deadlines`.

    ``due``: the oldest slot that no successful run answers for; may lie in the future.
    ``hopeless_after``: from when on an overdue stream that nobody tries to poll is down.
    ``last_drained``: when a scan was last read to its end; None: never. ``last_outcome``: of the
    newest run that has ended; None: no run has. ``moved_at``: when the newest page was
    committed; None: never. ``open_missed``: missed slots that no run has healed yet.
    ``blocked``: what somebody has to decide; None when nothing is.
    """

    due: datetime
    hopeless_after: datetime
    grace: timedelta
    last_drained: datetime | None = None
    last_outcome: Outcome | None = None
    moved_at: datetime | None = None
    open_missed: int = 0
    scan_open: bool = False
    paused: bool = False
    blocked: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """A state with the reason for it in words, for the status page and for alerts."""

    state: State
    because: str


def deadlines(
    schedule: Schedule, since: datetime, now: datetime, grace: timedelta
) -> tuple[datetime, datetime]:
    """``due`` and ``hopeless_after`` of a stream whose newest successful slot (or first sight) is ``since``.

    Down without an attempt is a stream that has let the grace of a second slot pass, and never
    less than twice its grace. When the clock was set back, ``since`` may lie ahead of ``now``;
    then polls are expected from ``now`` on.
    """
    due = schedule.next(min(since, now))
    return due, max(schedule.next(due), due + grace) + grace


def judge(facts: Facts, now: datetime) -> Health:
    """The one state of a stream at ``now``; the table on top says which."""
    unread = facts.last_drained is None
    failed = facts.last_outcome in {Outcome.FAILED, Outcome.KILLED}
    overdue = now > facts.due + facts.grace
    given_up = failed or now > facts.hopeless_after
    moving = facts.moved_at is not None and now - facts.moved_at <= facts.grace and not failed
    rows = (
        (facts.blocked is not None, State.BLOCKED, f"waits for a decision: {facts.blocked}"),
        (facts.paused, State.PAUSED, "paused by hand"),
        (unread and moving, State.NEW, "is being read for the first time"),
        (unread and not overdue and not failed, State.NEW, "waits for its first poll"),
        (overdue and moving, State.HEALING, f"{about(now - facts.due)} behind, and pages are coming in"),
        (overdue and given_up, State.DOWN, _last_known(facts, now)),
        (unread and failed, State.DOWN, _last_known(facts, now)),
        (
            overdue,
            State.LATE,
            f"a poll was due {about(now - facts.due)} ago, {about(facts.grace)} is allowed",
        ),
        (facts.open_missed > 0, State.HEALING, f"missed polls not yet covered: {facts.open_missed}"),
        (facts.scan_open, State.HEALING, "a scan is not at its end yet"),
        (True, State.OK, f"the next poll is due at {facts.due:%Y-%m-%dT%H:%M:%SZ}"),
    )
    return next(Health(state, because) for holds, state, because in rows if holds)


def worst(states: Iterable[State]) -> State:
    """The state of a source: that of its worst stream; ``new`` for a source without streams."""
    return min(states, key=WORST_FIRST.index, default=State.NEW)


_LAST = {
    None: "no run has ended",
    Outcome.FAILED: "the last run failed",
    Outcome.KILLED: "the last run was killed",
}
"""What is said of the run before the silence; one that ended well is not to blame for it."""


def _last_known(facts: Facts, now: datetime) -> str:
    ended = _LAST.get(facts.last_outcome, "nothing was polled since")
    if facts.last_drained is None:
        return f"never read to its end; {ended}"
    return f"last read to its end {about(now - facts.last_drained)} ago; {ended}"
