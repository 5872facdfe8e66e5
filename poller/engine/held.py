"""Puts work off while its source must be left alone, so that it takes no thread meanwhile."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from poller.core.errors import SettingsError, StoreError
from poller.core.ledger import Lapse, Reason
from poller.core.model import Stream
from poller.engine.ports import Clock
from poller.engine.turns import Work

AHEAD = 1.0
"""Seconds by which one stream of a source goes ahead of the others when a hold ends: the API may
ask to be left alone again."""
ROUSED = timedelta(seconds=AHEAD + 1.0)
"""How long after a hold its streams are woken at the latest; slots until then went by because of it."""
NEVER = datetime.min.replace(tzinfo=UTC)

log = structlog.get_logger("poller.daemon")


@dataclass(slots=True)
class _PutOff:
    """Work on one stream, by its name, that waits until the tick ``until``."""

    source: str
    until: float
    works: dict[str, Work]


class Held:
    """What waits for the end of a hold. ``left`` says for how many seconds a source must still not be
    asked; ``ticks`` are seconds on a clock that nobody sets. Safe to share between threads.
    """

    def __init__(self, left: Callable[[str], float], clock: Clock, ticks: Callable[[], float]) -> None:
        self._left = left
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._waiting: dict[str, _PutOff] = {}
        self._lapses: dict[str, Lapse] = {}
        """The latest hold of each stream, as the ledger wants to know it."""
        self._told: dict[str, float] = {}
        """The tick of the end of the last hold of each source that the log knows of."""

    @property
    def streams(self) -> frozenset[str]:
        """The streams on which work waits."""
        with self._lock:
            return frozenset(self._waiting)

    def puts_off(self, stream: Stream, kind: str, work: Work) -> bool:
        """Whether the stream's source must be left alone now; then ``work`` waits, in the place of
        what waited under the same ``kind``. Nothing waits under it any more otherwise.
        """
        name, seconds = str(stream), self._seconds(stream.source)
        with self._lock:
            waiting = self._waiting.get(name)
            if seconds <= 0:
                if waiting is not None:
                    waiting.works.pop(kind, None)
                if waiting is not None and not waiting.works:
                    del self._waiting[name]
                return False
            works = {} if waiting is None else waiting.works
            until = self._ticks() + seconds
            self._waiting[name] = _PutOff(stream.source, until, {**works, kind: work})
            self._lapses[name] = self._lapse(stream, seconds)
            news = until > self._told.get(stream.source, -math.inf) + AHEAD
            self._told[stream.source] = until
        if news:
            log.warning("source held", source=stream.source, seconds=round(seconds, 1))
        return True

    def lapses(self, stream: str) -> tuple[Lapse, ...]:
        """When the stream could not be polled because its source had to be left alone."""
        with self._lock:
            lapse = self._lapses.get(stream)
            return () if lapse is None else (lapse,)

    def over(self, polled_at: Mapping[str, datetime]) -> list[tuple[str, Work]]:
        """The work whose hold is over; each is given once.

        Of each source the stream that was polled longest ago goes ahead, then all others.
        """
        now = self._ticks()
        with self._lock:
            due = sorted(
                (name for name, each in self._waiting.items() if each.until <= now),
                key=lambda name: polled_at.get(name, NEVER),
            )
            return [(name, work) for name in self._next(due, now) for work in self._taken(name)]

    def _next(self, due: list[str], now: float) -> Iterator[str]:
        gone_ahead: set[str] = set()
        for name in due:
            waiting = self._waiting[name]
            if waiting.until + AHEAD <= now or waiting.source not in gone_ahead:
                yield name
            gone_ahead.add(waiting.source)

    def _taken(self, name: str) -> list[Work]:
        return list(self._waiting.pop(name).works.values())

    def _lapse(self, stream: Stream, seconds: float) -> Lapse:
        """The hold of now, joined with the one that it prolongs."""
        now = self._clock()
        known = self._lapses.get(str(stream))
        prolongs = known is not None and known.start <= now < known.end
        since = known.start if known is not None and prolongs else stream.schedule.latest(now)
        return Lapse(since, now + timedelta(seconds=seconds) + ROUSED, Reason.RATE_LIMITED)

    def _seconds(self, source: str) -> float:
        """What cannot be known is left to the poll: it says what is wrong, and asks nobody either."""
        try:
            return self._left(source)
        except (StoreError, SettingsError):
            return 0.0
