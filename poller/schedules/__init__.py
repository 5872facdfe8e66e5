"""The kinds of schedules, one file each: adding a file adds a way to write ``schedule``."""

from __future__ import annotations

import importlib
from typing import ClassVar, Protocol

from poller.core import discovery
from poller.core.schedule import Schedule


class ScheduleKind(Protocol):
    """What a file in this package offers besides :class:`~poller.core.schedule.Schedule` itself."""

    form: ClassVar[str]
    """The allowed form in words, for error messages."""
    examples: ClassVar[tuple[str, ...]]
    """Texts that :meth:`parse` reads; the conformance suite runs over them."""

    def recognizes(self, text: str) -> bool:
        """Whether ``text`` is meant as this kind, right or wrong."""
        ...

    def parse(self, text: str, timezone: str | None, spread_key: str | None) -> Schedule:
        """The schedule that ``text`` names. Raises ValueError that says what is wrong and what is allowed."""
        ...


def kinds() -> dict[str, type]:
    """Every kind of schedule by the name of its file."""
    return discovery.kinds(importlib.import_module(__name__))


def parse(text: str, timezone: str | None, spread_key: str | None) -> Schedule:
    """The schedule that the settings write as ``text``: a duration or a cron expression.

    ``timezone``: IANA name for cron; None is UTC. ``spread_key``: names the stream, so that an
    interval stands at its own place in the grid, the same in every process; None leaves it on
    the epoch. Raises ValueError that names the wrong part and the allowed form.
    """
    known: list[ScheduleKind] = list(kinds().values())  # type: ignore[arg-type]  # each class is its own kind
    for kind in known:
        if kind.recognizes(text):
            return kind.parse(text, timezone, spread_key)
    forms = ", or ".join(kind.form for kind in known)
    raise ValueError(f"{text!r} is not a schedule: write {forms}")
