"""Shows on stderr how far runs have come: one changing line on a terminal, else a line per half minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from poller.cli.names import source_of
from poller.cli.options import Options

if TYPE_CHECKING:
    from poller.cli.asking import Followed
    from poller.store.database import Database

QUICK = 0.5
"""Seconds between two looks, and two lines when stderr is a terminal."""
SLOW = 30.0
"""Seconds between two lines otherwise."""
BRIEF = timedelta(seconds=2)
"""A hold that lasts no longer is not worth a line."""


def shown(
    database: Database,
    under_way: Sequence[Future[Any]],
    options: Options,
    names: Sequence[str],
    followed: Followed,
) -> None:
    """Return when all are done; say meanwhile how far the runs of these streams have come."""
    live = sys.stderr.isatty()
    holds = Holds(database, {source_of(name) for name in names})
    began = said = time.monotonic()
    while wait(under_way, QUICK).not_done:
        if options.quiet:
            continue
        for line in holds.news():
            _say(line, live=live, stays=True)
        now = time.monotonic()
        if live or now - said >= SLOW:
            said = now
            _say(_line(database, now - began, names, followed), live=live)
    if live and not options.quiet:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


class Holds:
    """Tells of each hold of these sources once: until when they must not be asked."""

    def __init__(self, database: Database, sources: Iterable[str]) -> None:
        self._database = database
        self._sources = sorted(sources)
        self._told: dict[str, datetime] = {}

    def news(self) -> Iterator[str]:
        """A line for each hold that lasts longer than what was told of it."""
        from poller.cli.words import moment
        from poller.core.errors import StoreError
        from poller.store.holds import Holds as Stored

        for source in self._sources:
            try:
                until = Stored(self._database).not_before(source)
            except StoreError:
                continue  # the database is busy; the next look is soon
            if until is None or until <= self._told.get(source, datetime.now(UTC) + BRIEF):
                continue
            self._told[source] = until
            yield f"{source}: the API asked not to be asked before {moment(until)}; waiting until then"


def _line(database: Database, seconds: float, names: Sequence[str], followed: Followed) -> str:
    from poller.cli.words import counted
    from poller.core.errors import StoreError
    from poller.store.views import open_runs

    try:
        runs = open_runs(database)
    except StoreError:
        return f"{seconds:.0f} s, the database is busy"
    read = {run.stream: counted(run.rows_read, "row") for run in runs if run.stream in names}
    read |= standing(followed, read)
    each = [f"{stream} {words}" for stream, words in read.items()]
    return f"{seconds:.0f} s  {', '.join(each) or 'under way'}"


def standing(followed: Followed, read: Mapping[str, str]) -> dict[str, str]:
    """How far what was asked of another process has come, where more is known than its rows."""
    said = {}
    for number, view in dict(followed.views).items():
        stream = followed.streams[number]
        if view.progress is not None and "of" in view.progress:
            said[stream] = bar(view.progress["done"], view.progress["of"])
        elif view.state == "waiting":
            said[stream] = "waits for its owner"
        elif view.state == "running" and view.progress is None:
            behind = f" behind a run ({read[stream]} so far)" if stream in read else ""
            said[stream] = f"waits for its turn{behind}"
    return said


def bar(done: int, of: int) -> str:
    """``[#####-----] 50/100``."""
    filled = 10 if of == 0 else 10 * done // of
    return f"[{'#' * filled}{'-' * (10 - filled)}] {done:,}/{of:,}"


def _say(line: str, *, live: bool, stays: bool = False) -> None:
    """On a terminal the next line takes its place, unless it ``stays``."""
    from poller.cli.screen import width

    if live:
        line = f"\r\x1b[K{line}" if stays else f"\r\x1b[K{line[: width() - 1]}"
    sys.stderr.write(line if live and not stays else f"{line}\n")
    sys.stderr.flush()
