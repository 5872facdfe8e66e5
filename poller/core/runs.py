"""The nouns of what happened: runs, their outcomes, and the HTTP attempts that they made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from poller.core.errors import Category
from poller.core.model import Stream
from poller.core.page import Validators
from poller.core.position import Position
from poller.core.steps import Checkpoint, Committed


class RunKind(StrEnum):
    """What a run was for."""

    POLL = "poll"
    """A scheduled poll: it owns a slot."""
    MANUAL = "manual"
    """A poll asked for by hand; owns no slot."""
    REPLAY = "replay"
    """Dead letters, read again by today's settings; asks the API nothing and moves no watermark."""


class Outcome(StrEnum):
    """How a run ended."""

    OK = "ok"
    PARTIAL = "partial"
    """The budget was used up; the checkpoint is kept and the next run goes on."""
    FAILED = "failed"
    KILLED = "killed"
    """The process died under it; written by the next owner."""
    STOPPED = "stopped"
    """Asked to stop; the page in hand was committed."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended and, for a failure, why. ``category`` None: not the API's doing."""

    outcome: Outcome
    category: Category | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request as it went over the wire, without secrets.

    ``sent_at`` by our clock; ``duration`` seconds; ``status`` None when no answer came;
    ``bytes_received`` on the wire; ``number`` counts the attempts of one request from 1;
    ``error`` is None when a complete response was read.
    """

    sent_at: datetime
    method: str
    url: str
    status: int | None
    duration: float
    bytes_received: int
    number: int
    request_id: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class StreamState:
    """What the memory knows of a stream when a run begins."""

    epoch: int
    watermark: Position | None
    watermark_text: str | None
    highest: Position | None
    """The highest position that the previous drained scan saw; None before the first."""
    complete_through: Position | None
    drained_once: bool
    fingerprint: str | None
    """Of the settings that give the watermark its meaning; None before the first run."""
    checkpoint: Checkpoint | None
    validators: Validators | None = None
    """What the last scan would be known again by; None when it had more than one page."""

    @property
    def place(self) -> Position | str | None:
        """The watermark, else the token that stands in its place; None before there is one."""
        return self.watermark_text if self.watermark is None else self.watermark


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that has begun: the fence (``epoch``) and the slot that it owns."""

    run_id: int
    stream: Stream
    kind: RunKind
    epoch: int
    started_at: datetime
    slot: datetime | None
    """None for manual polls, which own no slot."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one run did, for whoever asked for it. ``rows`` counts records read, again or not.

    ``run_id`` None: the run was not begun (``error`` says why).
    """

    stream: str
    run_id: int | None
    outcome: Outcome
    done: Committed
    rows: int
    requests: int
    before: Position | str | None
    """Where the stream stood: its watermark, or its token as text."""
    after: Position | str | None
    slot: datetime | None = None
    category: Category | None = None
    error: str | None = None
    hint: str | None = None
    database_away: bool = False
    """The run was not begun because the database refused."""
