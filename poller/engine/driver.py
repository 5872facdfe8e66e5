"""Drives one run: does what the flow asks for and tells it what happened.

A page is committed while the next one is on its way. Between two steps the driver looks at
the stop event and at the run's budget; then the page in hand is committed, nothing more is
fetched, and the next run goes on from the checkpoint.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import structlog

from poller.core.errors import FetchError, PollerError, Stopped
from poller.core.runs import Attempt, OpenRun
from poller.core.scan.progress import Progress
from poller.core.scan.smaller import UNREADABLE
from poller.core.steps import Answer, Commit, Committed, Exchange, Exchanged, Fetch, Fetched, Step, Unreadable
from poller.core.verdict import judge
from poller.engine.ports import Clock, Memory, Voice

log = structlog.get_logger("poller.run")


class BudgetUsed(PollerError):
    """The run's time is up; its checkpoint is kept and the next run goes on."""


@dataclass
class Hands:
    """What one run works with. Counts what the commits did."""

    run: OpenRun
    voice: Voice
    memory: Memory
    ahead: Executor
    """Threads that fetch the next page while one is written."""
    clock: Clock
    stop: threading.Event
    give_up_at: datetime
    clean: Callable[[str], str] = str
    """Takes secrets out of what is written down."""
    done: Committed = field(default_factory=Committed)
    pages: int = 0
    rows: int = 0
    requests: int = 0
    _attempts: deque[Attempt] = field(default_factory=deque)

    def fetch(self, step: Fetch) -> Fetched:
        """One page, or that it cannot be read. Raises FetchError, Stopped."""
        try:
            return self.voice.fetch(
                self.run.stream,
                step.request,
                partial(judge, self.run.stream, step),
                self._attempts.append,
                run=f"{self.run.stream}#{self.run.run_id}",
                give_up_at=self.give_up_at,
            )
        except FetchError as error:
            if error.category in UNREADABLE:
                return Unreadable(error)
            raise

    def commit(self, step: Commit) -> Committed:
        """One page's transaction. Raises Fenced, StoreUnavailable."""
        taken = self.attempts()
        said = tuple(replace(notice, text=self.clean(notice.text)) for notice in step.notices)
        try:
            committed = self.memory.commit(self.run, replace(step, notices=said), taken)
        except BaseException:
            self._attempts.extendleft(reversed(taken))  # the end of the run writes them down
            self.requests -= len(taken)
            raise
        for notice in said:
            log.warning(notice.kind.value, stream=str(self.run.stream), run=self.run.run_id, text=notice.text)
        self.done += committed
        self.pages += 1
        self.rows += len(step.records) + len(step.rejects)
        return committed

    def attempts(self) -> list[Attempt]:
        """The attempts since the last call; each is handed over once."""
        taken: list[Attempt] = []
        while self._attempts:
            taken.append(self._attempts.popleft())
        self.requests += len(taken)
        return taken


def drive(flow: Generator[Step, Answer, Progress], hands: Hands) -> Progress:
    """Run ``flow`` to its end. Raises what the hands raise, Stopped, BudgetUsed."""
    answer: Answer = None
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as end:
            progress: Progress = end.value
            return progress
        over = _reason_to_end(hands)
        if over is None or (isinstance(step, Commit) and step.finish is not None):
            answer = _answer(step, hands)
            continue
        if not isinstance(step, Fetch):  # the page in hand
            hands.commit(step.commit if isinstance(step, Exchange) else step)
        raise over


def _answer(step: Step, hands: Hands) -> Answer:
    if isinstance(step, Fetch):
        return hands.fetch(step)
    if isinstance(step, Commit):
        return hands.commit(step)
    return _both(step, hands)


def _both(step: Exchange, hands: Hands) -> Exchanged:
    """The commit here, the fetch in another thread; a failed commit discards the fetched page."""
    fetched: Future[Fetched] = hands.ahead.submit(hands.fetch, step.fetch)
    try:
        committed = hands.commit(step.commit)
    except BaseException:
        if not fetched.cancel():
            wait([fetched])  # its deadline bounds it; its attempts belong to this run
        raise
    return Exchanged(committed, fetched.result())


def _reason_to_end(hands: Hands) -> PollerError | None:
    """Why the run may take no further step; None when it may."""
    if hands.stop.is_set():
        return Stopped(f"{hands.run.stream}: asked to stop; what was read so far is committed")
    if hands.clock() >= hands.give_up_at:
        return BudgetUsed(f"{hands.run.stream}: the budget of this run is used up; the next one goes on")
    return None
