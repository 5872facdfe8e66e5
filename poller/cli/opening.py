"""Opens what a command works on: the settings, the database to look into, the whole house."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from poller.cli.options import Options
from poller.cli.screen import warn

if TYPE_CHECKING:
    from poller.bootstrap import House
    from poller.config import Settings
    from poller.core.model import Stream
    from poller.store.database import Database


def settings_of(options: Options) -> Settings:
    """The settings, with what they warn about said on stderr. Raises SettingsProblems."""
    from poller.config import load

    settings = load(options.config, os.environ)
    if not options.quiet:
        for warning in settings.warnings:
            warn(warning)
    return settings


@contextmanager
def reading(settings: Settings) -> Iterator[Database]:
    """The database, to look into. Raises StoreError when there is none, or none that can be read."""
    from poller.store.views import open_existing

    database = open_existing(settings.database_url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def housed(settings: Settings, options: Options) -> Iterator[House]:
    """The house, its database brought up to date."""
    from poller.bootstrap import House
    from poller.cli.logs import REDACTOR, debug_lines
    from poller.cli.screen import note

    house = House(settings, REDACTOR, debug=debug_lines(options))
    try:
        if house.backup is not None:
            note(f"the database was upgraded; the copy from before is {house.backup}", options)
        yield house
    finally:
        house.close()


@contextmanager
def stopped_by_signals(event: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set ``event``; the second one ends the process, which loses nothing that counts."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if event.is_set():
            os._exit(128 + number)
        event.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def stream_names(settings: Settings, database: Database) -> list[str]:
    """Every stream that the settings or the database know: those of the settings first."""
    from poller.store.views_streams import stream_names as stored

    return list(dict.fromkeys([*map(str, settings.streams), *stored(database)]))


def streams_by_name(settings: Settings) -> dict[str, Stream]:
    """The streams of the settings."""
    return {str(stream): stream for stream in settings.streams}
