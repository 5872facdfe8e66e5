"""Tells the garbage collector what a poll is: many objects that live for one page, beside many that stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 20_000
"""New objects before the collector looks at them: a page of a thousand records makes about as many."""


@contextmanager
def short_lives() -> Iterator[None]:
    """Inside the block what is there already (every module) is not looked through again with each page."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(PATIENCE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
