"""How many requests a source still allows, and how long until it allows one more.

A server counts a request when it arrives: somewhere between the moment when we send it and the
moment when its answer is complete. So a permit counts from its reservation until one window after
the answer. Permits are reserved in blocks; a block counts as a whole until one window after the
last of its answers. A block that is open, because its requests may be under way or yet to come,
counts until it is known to be over: its owner settled it, its owner is gone, or the time has
passed after which its owner promised to use it no more.

Times are *ticks*: seconds since the machine was started, on a clock that nobody sets. A wall clock
can jump over a window. It is asked only about blocks of another boot, and believed no further than
this machine has been up; see :func:`age`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from poller.core.model import Window

MARGIN = 0.01
"""Seconds that a permit stays out beyond its window: the server's clock is not ours."""

DRIFT = 0.001
"""The part of a window by which it is longer for us: a clock that is being set right runs up to
500 millionths too fast or too slow, and there are two of them."""

LARGEST = 100
"""Permits of the largest block."""

SHARE = 20
"""A block is at most this part of the smallest rate, so that a crash wastes little of it."""

REMEMBERED = 86_400.0
"""Seconds for which permits are remembered at least, whatever the windows of today:
those of tomorrow's settings may be longer."""

FINENESS = 32
"""Blocks may become one when their ages differ by less than this part of them."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment: ``seconds`` since this machine was started. ``boot`` names the start; "" when
    the machine gives it no name.
    """

    boot: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Spent:
    """Permits of one block. ``age``: seconds since the last of its requests was certainly over.

    An open block may still be used, and its age counts for nothing.
    """

    permits: int
    age: float
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """What came of asking for permits.

    ``block`` None: none is free for ``wait`` seconds, infinity when nobody can tell because
    requests are under way. Else ``permits`` of them may be used, and all of that must be over
    at the tick ``until``.
    """

    block: int | None
    permits: int = 0
    until: float = 0.0
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A block that is not used any more: ``used`` of its permits were, the last until the tick ``at``."""

    block: int
    used: int
    at: float


def largest_block(windows: Sequence[Window]) -> int:
    """Permits that may be reserved at once."""
    return max(1, min(LARGEST, *(window.permits // SHARE for window in windows)))


def span(window: Window) -> float:
    """Seconds for which a used permit counts."""
    return window.per.total_seconds() * (1 + DRIFT) + MARGIN


def memory_of(windows: Sequence[Window]) -> float:
    """Seconds after which a block need not be remembered."""
    return max(REMEMBERED, *(span(window) for window in windows))


def free(windows: Sequence[Window], spent: Sequence[Spent]) -> int:
    """How many requests may be sent now; zero or less when none may."""
    return min(window.permits - sum(each.permits for each in _counting(window, spent)) for window in windows)


def wait(windows: Sequence[Window], spent: Sequence[Spent]) -> float:
    """Seconds until one more request may be sent: 0.0 for now, infinity when an open block decides."""
    return max(_wait(window, _counting(window, spent)) for window in windows)


def age(end: Tick, end_by_the_wall: datetime, here: Tick, wall: datetime, *, is_open: bool) -> float:
    """Seconds that have certainly passed since ``end``; negative when it is yet to come.

    Within one boot that is a subtraction. After another boot the two wall times tell it, but a
    clock can be set: nothing of a former boot is older than this one, so what is asked to be
    is as old as that. On a machine that does not name its boots the same ticks may be of two
    of them; the difference is then too small, which is safe.
    """
    passed = here.seconds - end.seconds
    if end.boot == here.boot and (passed >= 0 or is_open or here.boot != ""):
        return passed
    by_the_wall = (wall - end_by_the_wall).total_seconds()
    return min(by_the_wall if is_open else max(by_the_wall, 0.0), here.seconds)


def groups(ages: Sequence[float]) -> list[list[int]]:
    """Which blocks that are over can become one that is as young as the youngest: lists of indexes.

    The youngest stands first. Old blocks may lie further apart than young ones, so that a day of
    many small blocks is a few hundred rows and no permit returns later than 1/32 of its age.
    """
    made: list[list[int]] = []
    for index in sorted(range(len(ages)), key=ages.__getitem__):
        if made and ages[index] <= ages[made[-1][0]] * (1 + 1 / FINENESS):
            made[-1].append(index)
        else:
            made.append([index])
    return made


def _counting(window: Window, spent: Sequence[Spent]) -> list[Spent]:
    lasting = span(window)
    return [each for each in spent if each.is_open or each.age < lasting]


def _wait(window: Window, counting: Sequence[Spent]) -> float:
    """The oldest come free first; an open block not before it is known to be over."""
    too_many = sum(each.permits for each in counting) - window.permits + 1
    if too_many <= 0:
        return 0.0
    for each in sorted((each for each in counting if not each.is_open), key=lambda each: -each.age):
        too_many -= each.permits
        if too_many <= 0:
            return span(window) - each.age
    return math.inf
