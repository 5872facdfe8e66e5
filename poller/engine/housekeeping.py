"""When what is no longer kept goes: at start and every ten minutes, beside the polls, in small steps."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from poller.core.errors import StoreError

log = structlog.get_logger("poller.housekeeping")

EVERY = 600.0
"""Seconds between two rounds."""
BREATH = 0.02
"""Seconds between two steps at least, and as long as the step took: polls write in between."""

Steps = Iterator[tuple[str, int]]
"""Each step is a small transaction; it says what was pruned, and how many rows of it."""


@contextmanager
def housekeeping(begin: Callable[[], Steps], stop: threading.Event, every: float = EVERY) -> Iterator[None]:
    """Prune in a thread of its own inside the block, which must set ``stop`` before it ends."""
    thread = threading.Thread(target=_rounds, args=(begin, stop, every), name="housekeeping", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def prune(steps: Steps, stop: threading.Event, patience: float | None = None) -> None:
    """One round: to the end, until ``stop``, or for ``patience`` seconds; the next one goes on."""
    pruned: Counter[str] = Counter()
    began = time.monotonic()
    try:
        for what, rows in _with_pauses(steps, stop):
            pruned[what] += rows
            if patience is not None and time.monotonic() - began > patience:
                break
    except StoreError as error:
        log.warning("not pruned; the next round goes on", error=str(error), hint=error.hint)
    if pruned.total() > 0:
        log.info("pruned", **{what.replace(" ", "_"): rows for what, rows in pruned.items()})


def _rounds(begin: Callable[[], Steps], stop: threading.Event, every: float) -> None:
    while not stop.is_set():
        try:
            prune(begin(), stop)
        except Exception:  # a thread that dies in silence would let the database grow without end
            log.exception("defect", what="pruning")
        stop.wait(every)


def _with_pauses(steps: Steps, stop: threading.Event) -> Steps:
    while not stop.is_set():
        began = time.monotonic()
        step = next(steps, None)
        if step is None:
            return
        yield step
        stop.wait(max(BREATH, time.monotonic() - began))
