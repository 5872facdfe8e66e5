"""What the memory hands to the engine: a stream's state, and the handle of a run that has begun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from poller.core.model import Stream
from poller.core.position import Position
from poller.core.runs import RunKind
from poller.core.steps import Checkpoint


@dataclass(frozen=True, slots=True)
class StreamState:
    """What the memory knows of a stream when a run begins; the shape of ``engine.ports.StreamState``."""

    epoch: int
    watermark: Position | None
    watermark_text: str | None
    highest: Position | None
    complete_through: Position | None
    drained_once: bool
    fingerprint: str | None
    checkpoint: Checkpoint | None


@dataclass(frozen=True, slots=True)
class RunHandle:
    """A run that has begun; the shape of ``engine.ports.RunHandle``."""

    run_id: int
    stream: Stream
    kind: RunKind
    epoch: int
    started_at: datetime
    slot: datetime | None
