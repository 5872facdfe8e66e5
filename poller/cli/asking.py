"""Has work done by whoever owns the source: here when nobody does, else by the owner, who is followed.

What comes back is the same either way. An owner that goes before it has begun leaves the work to
us; one that goes in the middle is said to be gone; one that takes no commands is named.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from poller.cli.names import source_of
from poller.cli.options import Options

if TYPE_CHECKING:
    from poller.bootstrap import House
    from poller.core.command import CommandKind
    from poller.store.commands import CommandView
    from poller.store.database import Database
    from poller.store.leases import Owner

T = TypeVar("T")

LOOK = 0.25
"""Seconds between two looks at what was asked for."""
TAKEN_WITHIN = 15.0
"""Seconds in which an owner that takes commands has taken one; it looks every second."""
GOES_ON = "was begun and goes on there"


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """Work about one stream. ``here`` does it in this process; ``read`` reads an owner's result."""

    stream: str
    kind: CommandKind
    arguments: Mapping[str, Any]
    here: Callable[[], T]
    read: Callable[[Mapping[str, Any]], T]


@dataclass(frozen=True, slots=True)
class Undone:
    """Why there is no result. ``withdrawn``: we were interrupted before or while it was done."""

    error: str
    hint: str | None = None
    withdrawn: bool = False

    def told(self, stream: str) -> str:
        """In words, with the next step."""
        return f"{stream}: {self.error}" + ("" if self.hint is None else f"; {self.hint}")


@dataclass
class Followed:
    """What was asked of owners and is not answered yet, for the progress line."""

    views: dict[int, CommandView] = field(default_factory=dict)
    streams: dict[int, str] = field(default_factory=dict)


def carried_out(house: House, works: Sequence[Work[T]], options: Options) -> dict[str, T | Undone]:
    """The outcome of each piece of work by its stream, whoever does it."""
    from poller.cli.progress import shown

    found: dict[str, T | Undone] = {}
    left = list(works)
    while left and not house.stop.is_set():
        sources = list(dict.fromkeys(source_of(work.stream) for work in left))
        workers = min(house.workers, len(left)) + 1
        with house.leased_where_free(sources) as ours, ThreadPoolExecutor(workers) as pool:
            here = [work for work in left if source_of(work.stream) in ours]
            there = [work for work in left if source_of(work.stream) not in ours]
            futures: dict[str, Future[T]] = {work.stream: pool.submit(work.here) for work in here}
            followed = Followed()
            answers = pool.submit(answered, house.database, house.owner, there, house.stop, followed)
            names = [work.stream for work in left]
            shown(house.database, [*futures.values(), answers], options, names, followed)
            found |= {name: future.result() for name, future in futures.items()}
            found |= answers.result()
        left = [work for work in there if work.stream not in found]
    return found | {work.stream: Undone("was not begun", withdrawn=True) for work in left}


def answered(
    database: Database,
    us: Owner,
    works: Sequence[Work[T]],
    stop: threading.Event,
    followed: Followed | None = None,
) -> dict[str, T | Undone]:
    """Ask the owners, and wait for their answers. Work that an owner left untouched is missing."""
    if not works:
        return {}
    errand = _Errand(database, us, stop, followed or Followed())
    asked = errand.ask(works)
    found: dict[str, T | Undone] = {}
    while asked:
        interrupted = stop.wait(LOOK)
        errand.look(list(asked))
        for number, work in list(asked.items()):
            outcome = errand.outcome(number, work, interrupted=interrupted)
            if outcome is None:
                continue
            del asked[number]
            if not isinstance(outcome, _Untouched):
                found[work.stream] = outcome
    return found


class _Untouched:
    """Nobody began it and nobody will."""


@dataclass
class _Errand:
    database: Database
    us: Owner
    stop: threading.Event
    followed: Followed
    asked_at: float = field(default_factory=time.monotonic)

    def ask(self, works: Sequence[Work[T]]) -> dict[int, Work[T]]:
        from poller.cli.who import who
        from poller.store.commands import ask

        numbers: dict[int, Work[T]] = {}
        for source, kind in dict.fromkeys((source_of(work.stream), work.kind) for work in works):
            asked = [work for work in works if (source_of(work.stream), work.kind) == (source, kind)]
            arguments = [{**work.arguments, "stream": work.stream} for work in asked]
            numbers |= dict(zip(ask(self.database, source, kind, arguments, who()), asked, strict=True))
        self.followed.streams = {number: work.stream for number, work in numbers.items()}
        return numbers

    def look(self, numbers: Sequence[int]) -> None:
        from poller.core.errors import StoreUnavailable
        from poller.store.commands import look_up

        try:
            self.followed.views = look_up(self.database, numbers)
        except StoreUnavailable:
            return  # the database is away for the moment, for the owner too

    def outcome(self, number: int, work: Work[T], *, interrupted: bool) -> T | Undone | _Untouched | None:
        """What became of one command; None: wait on."""
        view = self.followed.views.get(number)
        if view is None:
            return None
        if view.state == "done":
            return work.read(view.result or {})
        if view.state == "failed":
            return Undone(view.error or "it failed", view.hint)
        if interrupted:
            return self._interrupted(number, work)
        return self._still_waiting(number, view, work)

    def _interrupted(self, number: int, work: Work[T]) -> Undone:
        from poller.store.commands import withdraw

        if withdraw(self.database, number):
            return Undone("was not begun, and is withdrawn", withdrawn=True)
        look = f"`poller runs {work.stream}` shows what comes of it"
        return Undone(f"{GOES_ON} in {self._owner(work.stream)}", look, withdrawn=True)

    def _still_waiting(self, number: int, view: CommandView, work: Work[T]) -> Undone | _Untouched | None:
        from poller.store.commands import present, withdraw

        owner = present(self.database, source_of(work.stream), self.us)
        if view.state == "running" and owner is not None and owner.owner.token == view.taken_by:
            return None
        overdue = time.monotonic() - self.asked_at > TAKEN_WITHIN
        if owner is not None and not overdue:
            return None
        named = self._owner(work.stream)
        if not withdraw(self.database, number):  # begun just now, or by an owner that is gone
            return self._gone(number) if owner is None else None
        if owner is None:
            return _Untouched()
        return Undone(
            f"{source_of(work.stream)} is owned by {named}, which takes no commands",
            "it is another command that will end by itself, or an older daemon: wait for it, or restart it",
        )

    def _gone(self, number: int) -> Undone | None:
        """The owner went with the command in hand; None when it has answered after all."""
        from poller.store.commands import look_up

        if look_up(self.database, [number])[number].state != "running":
            return None
        return Undone(
            "the process that did it is gone; what it had committed stands",
            "see its log, and ask again: the next one goes on from there",
        )

    def _owner(self, stream: str) -> str:
        from poller.store.leases import holder

        found = holder(self.database, source_of(stream))
        return "nobody" if found is None else f"pid {found.owner.pid} on {found.owner.host}"
