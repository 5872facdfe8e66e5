"""Says before polling which streams `poller check` refuses."""

from __future__ import annotations

from collections.abc import Sequence

from poller.cli.screen import warn
from poller.core.guarantee import guarantee
from poller.core.model import Stream


def warn_of_refusals(streams: Sequence[Stream]) -> None:
    """One warning per hazard that nobody has accepted."""
    for stream in streams:
        for hazard in guarantee(stream).refused:
            warn(f"{stream}: {hazard.what} ({hazard.name}; `poller check {stream}` says what to do)")
