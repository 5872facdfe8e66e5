"""The daemon: holds the leases, polls each stream when its slot comes, and ends in good order.

The main thread is the heart: once a second it notes both clocks (a suspension or a clock that
was set is seen in the beat after it), looks at the signals, has commands looked for, and once a
minute looks for streams that should have been woken and were not. Polls run in a bounded pool of
threads.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from types import FrameType
from typing import Protocol

import structlog

from poller.core.errors import Category, PollerError, StoreError
from poller.core.heartbeat import Beat, Pulse, first_beat, heard, noted
from poller.core.ledger import Lapse, Liveness, Reason
from poller.core.model import Stream
from poller.core.runs import Report, RunKind
from poller.engine import commands
from poller.engine.commands import Commands
from poller.engine.held import Held
from poller.engine.ports import Clock
from poller.engine.turns import Turns
from poller.engine.wake import Waker

log = structlog.get_logger("poller.daemon")

BEAT = 1.0
"""Seconds between two heartbeats."""
STANDSTILL = timedelta(seconds=5)
"""A silence between beats that is longer counts as a suspension."""
LOOK_ROUND = 60
"""Beats between two looks for streams that nobody woke."""
OVERSLEPT = timedelta(seconds=15)
"""How long after its slot a stream that nobody woke is polled all the same."""
LONGEST_HOLD = timedelta(seconds=5)
"""A run that meets a hold which lasts longer ends, and gives its thread back; the next one goes on."""
POLL = "poll"
"""The kind of work that a slot asks for."""


class Household(commands.Household, Protocol):
    """What the daemon needs of the house; bootstrap builds it."""

    stop: threading.Event
    lost: threading.Event
    """Set when a lease was lost to another process."""

    @property
    def workers(self) -> int: ...

    def held_seconds(self, source: str) -> float:
        """How much longer a source must be left alone; 0.0 when it may be asked.

        Raises StoreError, SettingsError.
        """
        ...

    def reload(self) -> None:
        """Read the settings again and take them over. Raises SettingsError; the old ones stay then."""
        ...

    def leased(self) -> AbstractContextManager[None]:
        """Hold the leases of all sources. Raises LeaseHeld."""
        ...

    def housekeeping(self) -> AbstractContextManager[None]:
        """Prune what is no longer kept, until ``stop`` is set."""
        ...


class Daemon:
    """Polls until it is told to stop. ``clock`` is the wall clock."""

    def __init__(self, house: Household, clock: Clock) -> None:
        self._house = house
        self._clock = clock
        self._waker = Waker(self.wake)
        self._turns = Turns(house.workers, house.stop)
        self._held = Held(house.held_seconds, clock, _steady)
        self._commands = Commands(
            house, self._turns, self._poll_for_somebody, self._soon, self._held.puts_off
        )
        self._lock = threading.Lock()
        self._looked_at: dict[str, datetime] = {}
        """When each stream was last polled, or tried to be."""
        self._ended_at: dict[str, datetime] = {}
        self._away_since: dict[str, datetime] = {}
        """Since when the database refuses to begin a run of a stream."""
        self._reload = threading.Event()
        self._pulse: Pulse = first_beat(self._beat())

    def run(self) -> int:
        """Poll until stopped; the exit code: 0 after a stop in good order, 1 when a lease was lost."""
        self._listen()
        with self._house.leased(), self._house.housekeeping():
            self._pulse = first_beat(self._beat())
            streams = self._house.streams
            self._waker.start(streams)
            log.info("polling", streams=len(streams), pid=os.getpid())
            try:
                self._wake_all(streams)
                self._live()
            finally:
                self._house.stop.set()
                self._waker.stop()
                self._commands.close()
                self._turns.close()
                self._commands.give_back()
        log.info("stopped")
        return 1 if self._house.lost.is_set() else 0

    def wake(self, name: str) -> None:
        """Poll a stream as soon as a thread is free, unless it is being polled or waits for that."""
        self._turns.offer(name, partial(self._poll_in_turn, name))

    def _soon(self, name: str) -> None:
        """Poll a stream, behind whoever works on it now."""
        self._turns.queue(name, partial(self._poll_in_turn, name))

    def _poll_in_turn(self, name: str) -> None:
        """One poll; when slots fell due meanwhile, one more behind whoever waits already."""
        stream = next((each for each in self._house.streams if str(each) == name), None)
        if stream is None or self._house.stop.is_set() or self._put_off(stream):
            return
        report = self._house.runner().poll(stream, RunKind.POLL, self._liveness(name))
        ended = self._noted(name, report)
        self._looked_at[name] = ended
        if report.category is Category.RATE_LIMITED and self._put_off(stream):
            return  # it goes on from its checkpoint when the hold ends
        if report.slot is not None and stream.schedule.latest(ended) > report.slot:
            self._soon(name)

    def _put_off(self, stream: Stream) -> bool:
        """Whether the stream's source must be left alone now; it is polled when it may be asked again."""
        return self._held.puts_off(stream, POLL, partial(self._poll_in_turn, str(stream)))

    def _poll_for_somebody(self, stream: Stream) -> Report:
        """One poll that owns no slot; a slot that fell due meanwhile is polled behind it."""
        began = self._clock()
        report = self._house.runner().poll(stream, RunKind.MANUAL)
        if stream.schedule.latest(self._noted(str(stream), report)) > began:
            self._soon(str(stream))
        return report

    def _noted(self, name: str, report: Report) -> datetime:
        """When a poll ended, once what it says of the stream is noted."""
        ended = self._clock()
        if report.database_away:
            self._away_since.setdefault(name, ended)
        else:
            self._away_since.pop(name, None)
        if report.run_id is not None:
            self._ended_at[name] = ended
        return ended

    def _liveness(self, name: str) -> Liveness:
        """What this process knows of its own life now, as far as it concerns one stream."""
        pulse = self._take_pulse()
        since = self._away_since.get(name)
        if since is not None and since < pulse.newest.wall:
            pulse = noted(pulse, Lapse(since, pulse.newest.wall, Reason.DOWN))
        for lapse in self._held.lapses(name):
            pulse = noted(pulse, lapse)
        return pulse.liveness(self._ended_at.get(name))

    def _take_pulse(self) -> Pulse:
        with self._lock:
            self._pulse = heard(self._pulse, self._beat(), STANDSTILL)
            return self._pulse

    def _live(self) -> None:
        beats = 0
        while not self._house.stop.wait(BEAT):
            beats += 1
            before = self._pulse.newest.wall
            if self._take_pulse().newest.wall < before:
                self._begin_anew("the clock went back")
            self._commands.look()
            for name, work in self._held.over(self._looked_at):
                self._turns.queue(name, work)
            if self._house.lost.is_set():
                log.error("lease lost", hint="another process took a source over; this one stops")
                self._house.stop.set()
            if self._reload.is_set():
                self._reload.clear()
                self._take_over_settings()
            if beats % LOOK_ROUND == 0:
                self._wake_overslept()
                self._settle_waiting()

    def _take_over_settings(self) -> None:
        try:
            self._house.reload()
        except PollerError as error:
            log.error("settings not reloaded; the old ones stay in force", error=str(error), hint=error.hint)
            return
        self._begin_anew("settings reloaded")

    def _begin_anew(self, why: str) -> None:
        """Wake the streams of now, on their schedules of now, by the clock of now."""
        streams = self._house.streams
        self._waker.follow(streams)
        self._wake_all(streams)
        log.info(why, streams=len(streams))

    def _wake_overslept(self) -> None:
        """A stream whose slot passed although nobody woke it: the waker may have fallen silent."""
        late = self._clock() - OVERSLEPT
        for stream in self._house.streams:
            looked_at = self._looked_at.get(str(stream))
            if looked_at is None or stream.schedule.latest(late) > looked_at:
                self.wake(str(stream))

    def _settle_waiting(self) -> None:
        """Slots that pass while a stream is being polled, or held, are missed now, not when that ends."""
        busy, held = self._turns.busy, self._held.streams
        now, memory = self._clock(), self._house.runner().memory
        for stream in self._house.streams:
            name = str(stream)
            if name in busy | held and name not in self._away_since:
                known = self._take_pulse().liveness(now) if name in busy else self._liveness(name)
                try:
                    memory.settle_older(stream, now, known)
                except StoreError as error:
                    log.debug("not settled", stream=str(stream), error=str(error))

    def _wake_all(self, streams: Iterable[Stream]) -> None:
        for stream in streams:
            self.wake(str(stream))

    def _beat(self) -> Beat:
        return Beat(self._clock(), timedelta(seconds=_steady()))

    def _listen(self) -> None:
        signal.signal(signal.SIGTERM, self._asked_to_stop)
        signal.signal(signal.SIGINT, self._asked_to_stop)
        signal.signal(signal.SIGHUP, lambda _number, _frame: self._reload.set())

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._house.stop.is_set():
            os._exit(130)  # asked twice: what is committed is safe, the rest was never promised
        self._house.stop.set()


def _steady() -> float:
    """Seconds on a clock that nobody sets and that runs on while the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
