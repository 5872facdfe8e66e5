"""What the engine needs from the voice (HTTP), the memory (SQL) and the clock: one page of contracts.

``http`` and ``store`` do not import this module; they fit it by shape, and ``bootstrap``
(checked by mypy) puts them in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from poller.core.ledger import Liveness, Reason
from poller.core.model import Stream
from poller.core.page import Response
from poller.core.request import Request
from poller.core.runs import Attempt, OpenRun, RunKind, RunOutcome, StreamState
from poller.core.steps import Commit, Committed, Fetched
from poller.core.verdict import Verdict


class Clock(Protocol):
    """Now, as an aware UTC datetime. Tests and simulations hand in their own."""

    def __call__(self) -> datetime: ...


class Voice(Protocol):
    """Speaks to one source, politely: retries, waits, permits and credentials are its business."""

    def fetch(
        self,
        stream: Stream,
        request: Request,
        judge: Callable[[Response], Verdict],
        note: Callable[[Attempt], None],
        *,
        run: str,
        give_up_at: datetime,
    ) -> Fetched:
        """The first verdict that ends the request: a page, or an expired or declined request.

        ``judge`` classifies each complete response (pure). ``note`` is told of every attempt,
        also of those that failed. ``run`` is the run's public name (for references). No wait
        reaches past ``give_up_at`` (the end of the run's budget).
        Raises FetchError when the attempts are used up, the verdict is fatal or the wait is
        too long (RATE_LIMITED); Stopped when the stop event is set while waiting.
        """
        ...


class Holds(Protocol):
    """The moment before which a source must not be asked, kept in SQL so that restarts obey it too."""

    def not_before(self, source: str) -> datetime | None: ...

    def hold(self, source: str, until: datetime, reason: str) -> None:
        """Committed before anybody waits. Never moves an earlier hold forward to an earlier time."""
        ...


class Memory(Protocol):
    """Remembers everything, one transaction at a time."""

    def state(self, stream: Stream) -> StreamState: ...

    def begin(self, stream: Stream, kind: RunKind, now: datetime, liveness: Liveness | None) -> OpenRun:
        """Settle the slots up to ``now`` and open a run, in one transaction.

        ``liveness`` tells the ledger why older slots went by (None: a manual run, which owns
        no slot and settles none).
        """
        ...

    def commit(self, run: OpenRun, commit: Commit, attempts: Sequence[Attempt]) -> Committed:
        """One page's transaction. Raises Fenced, StoreUnavailable."""
        ...

    def end(
        self, run: OpenRun, outcome: RunOutcome, now: datetime, attempts: Sequence[Attempt], error: str | None
    ) -> None:
        """Close the run and give its slot its outcome; after a commit with a finish, ``outcome`` is ok."""
        ...

    def keep_page(
        self, run: OpenRun, body: bytes, detail: str, request_id: str | None, now: datetime
    ) -> None:
        """Keep a body that is no page among the dead letters, for whoever looks into it."""
        ...

    def pass_by(self, stream: Stream, reason: Reason, now: datetime, liveness: Liveness) -> None:
        """Settle the slots up to ``now`` without a run, the newest for ``reason``."""
        ...

    def settle_older(self, stream: Stream, now: datetime, liveness: Liveness) -> None:
        """Account for the slots up to ``now`` but the newest, while the stream's run is under way."""
        ...
