"""What somebody asks the owner of a source to do, and how it and its outcome are written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from poller.core.errors import Category
from poller.core.position import Position
from poller.core.runs import Outcome, Report
from poller.core.steps import Committed


class CommandKind(StrEnum):
    """What can be asked for. Text in the database: an owner may be older than whoever asks it."""

    ONCE = "once"
    """Poll a stream now, behind a poll that is under way."""
    REPLAY = "replay"
    """Read dead letters again with the settings of now."""
    DISCARD = "discard"
    """Close dead letters that nobody will mirror."""
    MOVE = "move"
    """Move a watermark by hand, and poll soon."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command about one stream, as it was asked for. ``kind`` may be one that is not known here."""

    number: int
    kind: str
    stream: str
    arguments: Mapping[str, Any]
    who: str


@dataclass(frozen=True, slots=True)
class Move:
    """A watermark that is moved by hand. Both ``to`` and ``text`` None: to the start.

    ``text`` is what is sent for it; a token has a text and no position.
    """

    stream: str
    to: Position | None
    text: str | None
    who: str
    why: str

    def written(self) -> dict[str, Any]:
        """As JSON; :meth:`read` is the inverse."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "stream"}

    @classmethod
    def read(cls, stream: str, written: Mapping[str, Any]) -> Move:
        """The move that ``written`` says. Raises KeyError when something is missing."""
        return cls(stream, written["to"], written["text"], written["who"], written["why"])


def written_report(report: Report) -> dict[str, Any]:
    """A report as JSON; :func:`read_report` is the inverse, but for what nobody shows."""
    return {
        "stream": report.stream,
        "run": report.run_id,
        "outcome": report.outcome.value,
        "done": written_counts(report.done),
        "rows": report.rows,
        "requests": report.requests,
        "before": report.before,
        "after": report.after,
        "category": None if report.category is None else report.category.value,
        "error": report.error,
        "hint": report.hint,
    }


def read_report(written: Mapping[str, Any]) -> Report:
    """The report that ``written`` says. Raises KeyError, ValueError when it is none."""
    category = written["category"]
    return Report(
        stream=written["stream"],
        run_id=written["run"],
        outcome=Outcome(written["outcome"]),
        done=read_counts(written["done"]),
        rows=written["rows"],
        requests=written["requests"],
        before=written["before"],
        after=written["after"],
        category=None if category is None else Category(category),
        error=written["error"],
        hint=written["hint"],
    )


def written_counts(done: Committed) -> dict[str, int]:
    """What transactions did, as JSON."""
    return {field.name: getattr(done, field.name) for field in fields(Committed)}


def read_counts(written: Mapping[str, int]) -> Committed:
    """The inverse of :func:`written_counts`; a counter of another version that is not known is left out."""
    return Committed(**{field.name: written.get(field.name, 0) for field in fields(Committed)})
