"""What has to be right before any API is asked: the database and its library, and the secrets."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from poller.cli.judgement import Finding, Level
from poller.core.errors import PollerError, SettingsError, StoreError
from poller.core.model import Secret

if TYPE_CHECKING:
    from poller.config import Settings
    from poller.core.model import Source
    from poller.store.database import Database

SAFE_SQLITE = (3, 51, 3)
"""Before it, two connections that write and checkpoint a WAL database at once can corrupt it."""


@contextmanager
def looked_into(settings: Settings) -> Iterator[tuple[Database | None, list[Finding]]]:
    """The database, if its tables are this program's, and what there is to say about it."""
    from poller.store.database import open_database
    from poller.store.views import absent_file

    absent = absent_file(settings.database_url)
    if absent is not None:
        yield None, [_of_absent(absent), *_of_library(settings.database_url)]
        return
    try:
        database = open_database(settings.database_url)
    except StoreError as error:
        yield None, [Finding(Level.FAILED, str(error), error.hint)]
        return
    try:
        current = _of_revision(database)
        usable = database if current.level is Level.OK else None
        yield usable, [current, *_of_library(settings.database_url)]
    finally:
        database.close()


def of_secrets(source: Source) -> Iterator[Finding]:
    """Whether each secret of a source can be read now; never its value."""
    from poller.cli.logs import REDACTOR
    from poller.secrets import reveal

    secrets = list(_secrets(source))
    if not secrets:
        yield Finding(Level.OK, "its requests carry no secret")
    for where, secret in secrets:
        try:
            REDACTOR.learn(reveal(secret))
        except SettingsError as error:
            yield Finding(Level.FAILED, f"the secret in {where} cannot be read: {error}", error.hint)
        else:
            yield Finding(Level.OK, f"the secret in {where} can be read")


def _secrets(source: Source) -> Iterator[tuple[str, Secret]]:
    from poller.config.problems import dotted
    from poller.config.secrecy import secrets_in

    yield from ((dotted(("auth", *inside)), secret) for inside, secret in secrets_in(source.auth))
    yield from ((f"headers.{name}", value) for name, value in source.headers if isinstance(value, Secret))
    for stream in source.streams:
        yield from ((f"streams.{stream.name}.headers.{name}", value) for name, value in stream.secret_headers)


def _of_absent(path: Path) -> Finding:
    if not path.parent.is_dir():
        return Finding(
            Level.FAILED, f"the folder of {path} does not exist", "create it, or correct [database] url"
        )
    if not os.access(path.parent, os.W_OK):
        return Finding(
            Level.FAILED,
            f"{path} does not exist yet, and its folder is read-only",
            "give this user the right to write there, or correct [database] url",
        )
    return Finding(Level.OK, f"{path} does not exist yet; the first poll makes it")


def _of_revision(database: Database) -> Finding:
    from poller.store.migrations import HEAD

    try:
        found = database.current()
        if found is None:
            return Finding(Level.CAUTION, "it has no tables of poller yet", "the first poll makes them")
        database.require_current()
    except PollerError as error:
        return Finding(Level.FAILED, str(error), error.hint)
    return Finding(Level.OK, f"reachable, at revision {HEAD}")


def _of_library(url: str) -> Sequence[Finding]:
    if not url.startswith("sqlite") or sqlite3.sqlite_version_info >= SAFE_SQLITE:
        return ()
    safe = ".".join(map(str, SAFE_SQLITE))
    return (
        Finding(
            Level.CAUTION,
            f"the SQLite library is {sqlite3.sqlite_version}: before {safe} it can corrupt a database "
            "that two "
            "processes write and checkpoint at once; poller checkpoints from one process only",
            f"do not write to this file from other programs, or use a Python with SQLite {safe}",
        ),
    )
