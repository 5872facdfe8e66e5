"""Each slot's one outcome: which run owns it, which were missed, and why.

The theory, on one page
-----------------------

A schedule is a fixed grid of instants, its *slots*. The *account* of a stream is one instant,
``last``: every slot up to it has its outcome, no slot after it has one. All that is done here is
to move that instant forward, never back, and to give each slot that it passes exactly one
outcome. From that alone follows the invariant that the tests hold against every accident:

    runs that own a slot + slots in missed stretches == schedule.count(where the books begin, last)

**Who owns a slot.** A run that starts at ``now`` owns the newest slot not later than ``now``,
if it has no outcome yet; how the run ends decides that slot's outcome (:func:`verdict_on`).
All older slots without an outcome are missed, and their reasons come from what was going on
when they fell due (:class:`Liveness`), asked in this order:

1. Before this process was up: ``down``. (A run that died with its process gave its own slot
   the outcome ``killed``; what fell due after it was ``down``, since nobody can say when it died.)
2. In a lapse of the clock (the wall was set forward over those instants, so that nobody ever
   lived through them): ``clock``.
3. In a suspension (SIGSTOP, a laptop's lid, a frozen virtual machine: no heartbeat): ``suspended``.
   This holds even when a run was under way, for it stood still too.
4. While the stream's own previous run was under way: ``overrun``.
5. In any other lapse that was noted, its own reason: ``rate_limited`` while the source had to
   be left alone, ``down`` while the database was away.
6. Otherwise we were awake and free and still came too late for it, because the pool was full,
   the machine starved, or the waker silent: ``overrun``, we did not keep up. It is never guessed to
   be ``clock``: that word is for those who look after the machine's clock, and is only
   used when the clock was seen to jump.

Reasons are constant between a handful of instants (up, lapses, end of the last run), so the
missed slots are cut at those and *counted* in each piece; a month at one slot per second costs
what one slot does. Neighbouring pieces of one reason are one stretch.

**A run under way, or a full pool.** :func:`close_older` settles all but the newest slot, which
stays open for the run that will start as soon as it can. **Paused or blocked:** nothing will
start; :func:`pass_over` settles all slots with the one reason.

**Where the books begin.** A new stream polls at once and owns the newest slot; nothing before
it was ever promised. When the schedule changes, the old grid is gone and the new one promised
nothing until now: the same, except that no instant up to ``last`` is given out again.

**A clock that goes back.** Then ``last`` lies ahead of ``now``. Those slots have their outcomes
already: a run owns none, nothing is missed, the account stays. That is no reason not to poll.
:func:`next_due` goes on with the slots that the clock shows, and a run without a slot heals like
any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from operator import attrgetter

from poller.core.errors import Category
from poller.core.runs import Outcome, RunOutcome
from poller.core.schedule import Schedule


class Reason(StrEnum):
    """Why a slot has no successful run of its own."""

    FAILED = "failed"
    """Its run failed: the API answered, and not with a page."""
    UNREACHABLE = "unreachable"
    """Its run failed: no answer came."""
    RATE_LIMITED = "rate_limited"
    """The API asked us to stay away for longer than a run may wait."""
    DOWN = "down"
    """No process was there to poll, or it was told to stop, or its database was away."""
    KILLED = "killed"
    """Its run died with its process."""
    OVERRUN = "overrun"
    """The run before it was still under way, or nobody was free in time."""
    SUSPENDED = "suspended"
    """The process stood still: stopped, frozen, or its machine asleep."""
    CLOCK = "clock"
    """The clock was set forward over it."""
    PAUSED = "paused"
    """Somebody paused the stream."""
    SETTINGS = "settings"
    """The settings changed in a way that somebody has to accept first."""


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
class Lapse:
    """A stretch ``[start, end)`` of wall time in which this process was up and could not poll."""

    start: datetime
    end: datetime
    reason: Reason

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Liveness:
    """What this process knows of its own life when it looks at the ledger.

    ``up_since``: when it took the lease. ``awake_since``: the start of the unbroken stretch
    of heartbeats that reaches to now; later than ``up_since`` after a suspension.
    ``busy_until``: until when the stream's own previous run (or a full pool) kept it from
    being polled; None when nothing did. ``lapses``: stretches in which it could not poll, as
    far as they are known exactly; where a ``suspended`` one is among them, ``awake_since``
    adds nothing.
    """

    up_since: datetime
    awake_since: datetime
    busy_until: datetime | None = None
    lapses: tuple[Lapse, ...] = ()


@dataclass(frozen=True, slots=True)
class Settlement:
    """``own``: the slot that a run starting now owns, None when there is none left to own;
    ``missed``: the stretches to write down; ``account``: how far the books now go.
    """

    own: datetime | None
    missed: tuple[Missed, ...]
    account: Account


_INSTANT = timedelta(microseconds=1)
"""The distance between neighbouring datetimes: ``[a, b)`` is ``(a - _INSTANT, b - _INSTANT]``."""


def settle(schedule: Schedule, account: Account, now: datetime, liveness: Liveness) -> Settlement:
    """Account for every slot not later than ``now``, for a run that starts now."""
    newest = schedule.latest(now)
    if not _is_open(newest, account):
        return Settlement(None, (), replace(account, fingerprint=schedule.fingerprint))
    missed = _missed(schedule, account, newest, liveness)
    return Settlement(newest, missed, Account(newest, schedule.fingerprint))


def close_older(schedule: Schedule, account: Account, now: datetime, liveness: Liveness) -> Settlement:
    """Account for all but the newest slot, for a stream that cannot start a run now but soon will.

    The newest slot stays open for that run; the books of a new stream begin with it.
    """
    newest = schedule.latest(now)
    if not _is_open(newest, account):
        return Settlement(None, (), replace(account, fingerprint=schedule.fingerprint))
    missed = _missed(schedule, account, newest, liveness)
    older = schedule.latest(newest - _INSTANT)
    last = older if account.last is None else max(older, account.last)
    return Settlement(None, missed, Account(last, schedule.fingerprint))


def pass_over(schedule: Schedule, account: Account, now: datetime, reason: Reason) -> Settlement:
    """Account for every slot not later than ``now`` with one reason, for a stream that may not run.

    A new stream's books, and those of a changed schedule, begin at ``now`` with nothing missed.
    """
    newest = schedule.latest(now)
    if not _is_open(newest, account):
        return Settlement(None, (), replace(account, fingerprint=schedule.fingerprint))
    after = _books_begin(schedule, account, newest)
    missed = tuple(_stretches(schedule, [(after, newest, reason)]))
    return Settlement(None, missed, Account(newest, schedule.fingerprint))


def next_due(schedule: Schedule, account: Account, now: datetime) -> datetime:
    """When the stream should be polled next: ``now`` while a slot is open, else the next slot to come."""
    return now if _is_open(schedule.latest(now), account) else schedule.next(now)


def verdict_on(slot: datetime, run: RunOutcome) -> Missed | None:
    """What the end of a run means for the slot that it owned; None when the slot is ok."""
    reason = _REASON_OF.get(run.outcome)
    if run.outcome is Outcome.FAILED and run.category is not None:
        reason = _REASON_OF_FAILURE.get(run.category, Reason.FAILED)
    return None if reason is None else Missed(slot, slot, 1, reason)


_REASON_OF = {
    # ok and partial are absent: a poll that made progress is a poll, and the next run goes on
    Outcome.FAILED: Reason.FAILED,
    Outcome.KILLED: Reason.KILLED,
    Outcome.STOPPED: Reason.DOWN,
}
_REASON_OF_FAILURE = {
    Category.UNREACHABLE: Reason.UNREACHABLE,
    Category.RATE_LIMITED: Reason.RATE_LIMITED,
}


def merge(schedule: Schedule, row: Missed, stretch: Missed) -> Missed | None:
    """``row`` grown by ``stretch``, when that has its reason and begins with the next slot; else None."""
    if row.reason is not stretch.reason or schedule.next(row.last) != stretch.first:
        return None
    return Missed(row.first, stretch.last, row.count + stretch.count, row.reason)


def _is_open(slot: datetime, account: Account) -> bool:
    """Whether that slot has no outcome yet."""
    return account.last is None or slot > account.last


def _books_begin(schedule: Schedule, account: Account, newest: datetime) -> datetime:
    """The instant after which slots count: ``last``, or the newest slot where the books are new."""
    if account.last is None or account.fingerprint != schedule.fingerprint:
        return newest
    return account.last


def _missed(schedule: Schedule, account: Account, newest: datetime, liveness: Liveness) -> tuple[Missed, ...]:
    """The open slots before ``newest``, as stretches of one reason."""
    after = _books_begin(schedule, account, newest)
    cuts = sorted({cut for cut in _turning_points(liveness) if after < cut < newest})
    starts = [after + _INSTANT, *cuts]
    pieces = [
        (start - _INSTANT, end - _INSTANT, _reason_at(start, liveness))
        for start, end in zip(starts, [*cuts, newest], strict=True)
    ]
    return tuple(_stretches(schedule, pieces))


def _turning_points(liveness: Liveness) -> Iterator[datetime]:
    """The instants at which the reason can change."""
    yield liveness.up_since
    yield liveness.awake_since
    if liveness.busy_until is not None:
        yield liveness.busy_until
    for lapse in liveness.lapses:
        yield lapse.start
        yield lapse.end


def _reason_at(moment: datetime, liveness: Liveness) -> Reason:
    """Why a slot at that moment went by; the order is explained on top.

    Where two other lapses overlap, ``down`` comes before ``rate_limited``: alphabetical, and so the same
    every time.
    """
    if moment < liveness.up_since:
        return Reason.DOWN
    noted = {lapse.reason for lapse in liveness.lapses if moment in lapse}
    if Reason.CLOCK in noted:
        return Reason.CLOCK
    if Reason.SUSPENDED in noted or (moment < liveness.awake_since and not _knows_suspensions(liveness)):
        return Reason.SUSPENDED
    if liveness.busy_until is not None and moment < liveness.busy_until:
        return Reason.OVERRUN
    return min(noted, default=Reason.OVERRUN)


def _knows_suspensions(liveness: Liveness) -> bool:
    return any(lapse.reason is Reason.SUSPENDED for lapse in liveness.lapses)


def _stretches(schedule: Schedule, pieces: list[tuple[datetime, datetime, Reason]]) -> Iterator[Missed]:
    """The slots in each piece ``(after, through]``; neighbours of one reason joined, empty ones left out."""
    counted = [
        Missed(schedule.next(after), schedule.latest(through), count, reason)
        for after, through, reason in pieces
        if (count := schedule.count(after, through)) > 0
    ]
    for reason, group in groupby(counted, key=attrgetter("reason")):
        joined = list(group)
        yield Missed(joined[0].first, joined[-1].last, sum(each.count for each in joined), reason)
