"""Wakes the daemon at every slot: the one module that knows APScheduler.

APScheduler keeps no accounts here. It holds its jobs in memory, runs nothing but a call that
hands the stream's name on, coalesces what it missed and never drops a late wake-up; which slot
a run owns, and what became of the others, is the ledger's business.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from poller.core.model import Stream
from poller.core.schedule import Schedule


class GridTrigger(BaseTrigger):  # type: ignore[misc]  # apscheduler ships no types
    """Fires at the slots of a schedule: a fixed grid, so that no jitter adds up."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The first slot later than ``now``, also when the clock went back behind the previous one."""
        return self._schedule.next(now)


class Waker:
    """Calls ``wake`` with a stream's name at each of its slots, from a thread of its own."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self, streams: Iterable[Stream]) -> None:
        self.follow(streams)
        self._scheduler.start()

    def follow(self, streams: Iterable[Stream]) -> None:
        """Wake exactly these streams from now on, on their schedules of now."""
        wanted = {str(stream): stream.schedule for stream in streams}
        for job in self._scheduler.get_jobs():
            if job.id not in wanted:
                job.remove()
        for name, schedule in wanted.items():
            self._scheduler.add_job(
                self._wake, GridTrigger(schedule), args=(name,), id=name, name=name, replace_existing=True
            )

    def stop(self) -> None:
        """Wake nobody any more; returns at once."""
        self._scheduler.shutdown(wait=False)
