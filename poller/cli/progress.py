"""Shows on stderr how far runs have come: one changing line on a terminal, else a line per half minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any

from poller.cli.options import Options

if TYPE_CHECKING:
    from poller.store.database import Database

QUICK = 0.5
"""Seconds between two looks when stderr is a terminal."""
SLOW = 30.0
"""Seconds between two lines otherwise."""


def shown(database: Database, under_way: Sequence[Future[Any]], options: Options) -> None:
    """Return when all are done; say meanwhile what their runs have read so far."""
    live = sys.stderr.isatty()
    began = time.monotonic()
    while wait(under_way, QUICK if live else SLOW).not_done:
        if not options.quiet:
            _say(_line(database, time.monotonic() - began), live=live)
    if live and not options.quiet:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _line(database: Database, seconds: float) -> str:
    from poller.cli.words import counted
    from poller.core.errors import StoreError
    from poller.store.views import open_runs

    try:
        runs = open_runs(database)
    except StoreError:
        return f"{seconds:.0f} s, the database is busy"
    each = [f"{run.stream} {counted(run.rows_read, 'row')}" for run in runs]
    return f"{seconds:.0f} s  {', '.join(each) or 'under way'}"


def _say(line: str, *, live: bool) -> None:
    from poller.cli.screen import width

    sys.stderr.write(f"\r\x1b[K{line[: width() - 1]}" if live else f"{line}\n")
    sys.stderr.flush()
