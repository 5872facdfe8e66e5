"""A clock that nobody sets: seconds since this machine was started, sleep included."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

from poller.core.permits import Tick

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def tick() -> Tick:
    """Now."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return Tick(_boot(), time.clock_gettime(time.CLOCK_BOOTTIME))
    return Tick(_boot(), time.monotonic())


@cache
def _boot() -> str:
    """The name of this boot, the same for all processes and containers; "" where there is none."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
