"""Waits for changes, like ``tail -f``: looks once a second at how far the streams have counted."""

from __future__ import annotations

import select
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poller.core.feed_token import FeedToken
    from poller.store.changes import FeedPage
    from poller.store.database import Database

LOOK = 1.0
"""Seconds between two looks at the database."""


def following(
    database: Database, token: FeedToken, names: Callable[[], list[str]], limit: int | None
) -> Iterator[FeedPage]:
    """Pages of changes behind ``token`` as they are committed; none is empty.

    Ends after ``limit`` changes, or when SIGINT or SIGTERM comes: the page in hand is the last, and
    a second signal ends the process. ``names`` is asked anew each time, so that streams may join.
    Raises SnapshotNeeded, StoreUnavailable; BrokenPipeError when nobody reads stdout any more.
    """
    from poller.cli.feed_lines import PAGE
    from poller.cli.opening import stopped_by_signals
    from poller.store.changes import changes_after

    left = sys.maxsize if limit is None else limit
    stop = threading.Event()
    with stopped_by_signals(stop):
        while left > 0 and not stop.is_set():
            page = changes_after(database, token, names(), min(left, PAGE))
            if page.changes:
                yield page
                token, left = page.end, left - len(page.changes)
            if len(page.changes) < PAGE and left > 0:
                stop.wait(LOOK)
                _look_whether_somebody_reads()


def _look_whether_somebody_reads() -> None:
    """A pipe whose reader left says so only when it is written to, unless it is asked."""
    try:
        stdout = sys.stdout.fileno()
    except OSError:  # no file at all
        return
    watched = select.poll()
    watched.register(stdout, 0)
    if any(event & (select.POLLERR | select.POLLNVAL) for _, event in watched.poll(0)):
        raise BrokenPipeError
