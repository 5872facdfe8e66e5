"""What happened between two heartbeats: nothing, a standstill, or a clock that was set.

The wall clock alone cannot tell a frozen process from a clock that somebody moved. A second,
steady clock can: one that nobody sets and that runs on while the machine sleeps
(``CLOCK_BOOTTIME`` on Linux; ``CLOCK_MONOTONIC`` stops in a laptop's sleep, which then looks
like a clock set forward).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from poller.core.ledger import Lapse, Liveness, Reason

REMEMBERED = 64
"""Lapses that are kept, newest last; slots older than that were settled long ago."""

STEP = timedelta(seconds=1)
"""How far the two clocks must part between two beats to be called a step; slewing never gets there."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Both clocks at one moment: ``wall`` aware UTC; ``steady`` since an origin of its own."""

    wall: datetime
    steady: timedelta


@dataclass(frozen=True, slots=True)
class Pulse:
    """A process's life so far: since when it is up, its newest beat, and when it could not poll."""

    up_since: datetime
    newest: Beat
    lapses: tuple[Lapse, ...] = ()

    def liveness(self, busy_until: datetime | None = None) -> Liveness:
        """What the ledger wants to know, for a stream whose previous run ended at ``busy_until``."""
        return Liveness(self.up_since, self.up_since, busy_until, self.lapses)


def first_beat(beat: Beat) -> Pulse:
    """The pulse of a process that is up from this beat on."""
    return Pulse(beat.wall, beat)


def heard(pulse: Pulse, beat: Beat, patience: timedelta) -> Pulse:
    """The pulse after one more beat; a silence longer than ``patience`` was a standstill.

    Beats should come several times within ``patience``. A clock that went back leaves no
    lapse: no instant was left out.
    """
    lapses = (*pulse.lapses, *_between(pulse.newest, beat, patience))
    return replace(pulse, newest=beat, lapses=lapses[-REMEMBERED:])


def noted(pulse: Pulse, lapse: Lapse) -> Pulse:
    """The pulse with a lapse that somebody else knows of: a hold by the API, a database that was away."""
    return replace(pulse, lapses=(*pulse.lapses, lapse)[-REMEMBERED:])


def _between(older: Beat, newer: Beat, patience: timedelta) -> Iterator[Lapse]:
    """First the time that passed in silence, then the wall time that never passed."""
    silent = newer.steady - older.steady
    lived = older.wall + silent
    if silent > patience:
        yield Lapse(older.wall, lived, Reason.SUSPENDED)
    if newer.wall - lived >= STEP:
        yield Lapse(lived, newer.wall, Reason.CLOCK)
