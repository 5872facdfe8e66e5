"""The settings as the rest of the house sees them: frozen, complete, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from poller.core.model import Source, Stream


@dataclass(frozen=True, slots=True)
class Daemon:
    """How `poller run` works. ``listen`` is ``host:port``; ``state_dir`` may be relative."""

    listen: str
    workers: int
    lease: timedelta
    state_dir: Path
    spread: bool

    @property
    def host(self) -> str:
        """Without the brackets of an IPv6 address."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """0 lets the system choose."""
        return int(self.listen.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what happened is kept; None for ever."""

    runs: timedelta | None
    requests: timedelta | None
    changes: timedelta | None


@dataclass(frozen=True, slots=True)
class Settings:
    """One settings file with the environment laid over it.

    ``warnings`` are whole lines: place, key, message. ``path`` is the file that was read.
    """

    database_url: str = field(repr=False)
    """May hold a password."""
    daemon: Daemon
    retention: Retention
    sources: tuple[Source, ...]
    warnings: tuple[str, ...]
    path: Path

    @property
    def streams(self) -> tuple[Stream, ...]:
        """All streams of all sources, in the order of the file."""
        return tuple(stream for source in self.sources for stream in source.streams)
