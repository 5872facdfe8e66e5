"""What a dead letter is by today's settings: records to merge, or still no more than bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from poller.core.command import read_counts, written_counts
from poller.core.document import ShapeError, read_document
from poller.core.model import Kind, Stream
from poller.core.page import Record, Reject, Response
from poller.core.position import Position, from_datetime
from poller.core.records import read_page, read_record
from poller.core.runs import Outcome
from poller.core.steps import Commit, Committed

WHOLE_ANSWER = "page"
"""The reason of a letter that holds an answer which was no page."""
MOST_AT_ONCE = 200
"""Letters that are merged in one transaction."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An open letter. ``seen_at``: when the request that brought it last was sent."""

    number: int
    reason: str
    payload: bytes
    seen_at: datetime
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Reread:
    """A letter, read again. ``still`` None: it can be mirrored now; ``rejects`` are rows of a whole
    answer that cannot.
    """

    letter: Kept
    records: tuple[Record, ...] = ()
    rejects: tuple[Reject, ...] = ()
    still: Reject | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay. ``still``: how many stay open, by reason. ``run_id`` None: it was not begun."""

    stream: str
    run_id: int | None
    outcome: Outcome
    letters: int
    closed: int = 0
    done: Committed = field(default_factory=Committed)
    still: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    hint: str | None = None

    def written(self) -> dict[str, Any]:
        """As JSON; :meth:`read` is the inverse."""
        plain = ("stream", "run_id", "letters", "closed", "error", "hint")
        shown = {name: getattr(self, name) for name in plain}
        return {
            **shown,
            "outcome": self.outcome.value,
            "done": written_counts(self.done),
            "still": dict(self.still),
        }

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Replayed:
        """The outcome that ``written`` says. Raises KeyError, ValueError, TypeError when it is none."""
        enough = {**written, "outcome": Outcome(written["outcome"]), "done": read_counts(written["done"])}
        return cls(**enough)


def reread(stream: Stream, letter: Kept) -> Reread:
    """``letter`` by today's settings."""
    if letter.reason == WHOLE_ANSWER:
        return _whole(stream, letter)
    read = read_record(stream, letter.payload)
    if isinstance(read, Record):
        return Reread(letter, records=(read,))
    return Reread(letter, still=read)


def as_commit(stream: Stream, again: Sequence[Reread]) -> Commit:
    """The transaction that merges letters of one moment.

    They count as what they are: versions that the API showed when they were asked for, not now.
    So a newer version that the mirror holds is not replaced by them.
    """
    letter = again[0].letter
    return Commit(
        records=[record for each in again for record in each.records],
        rejects=[reject for each in again for reject in each.rejects],
        requested_at=letter.seen_at,
        edge=_edge(stream, letter.seen_at),
        request_id=letter.request_id,
        checkpoint=None,
        finish=None,
    )


def by_moment(again: Sequence[Reread]) -> Iterator[Sequence[Reread]]:
    """The letters in the order in which they came, those of one answer together."""
    ordered = sorted(again, key=_came)
    for _, group in groupby(ordered, key=_came):
        together = list(group)
        for start in range(0, len(together), MOST_AT_ONCE):
            yield together[start : start + MOST_AT_ONCE]


def _came(each: Reread) -> tuple[datetime, str]:
    return each.letter.seen_at, each.letter.request_id or ""


def _whole(stream: Stream, letter: Kept) -> Reread:
    answer = Response(200, (), letter.payload, letter.seen_at, request_id=letter.request_id)
    try:
        page = read_page(stream, answer, read_document(letter.payload, stream.records))
    except ShapeError as refused:
        return Reread(letter, still=Reject(letter.payload, WHOLE_ANSWER, f"still no page: {refused}"))
    return Reread(letter, tuple(page.records), tuple(page.rejects))


def _edge(stream: Stream, at: datetime) -> Position | None:
    """What lay ahead when it was asked for, by our clock: the server's is not kept with a letter."""
    timed = stream.since is None or stream.since.kind is Kind.TIMESTAMP
    return from_datetime(at) if timed else None
