"""Everything that can go wrong, as one tree.

::

    PollerError
    ├── SettingsError        the settings file is wrong: place, problem, hint
    ├── FetchError           a request did not bring a page (``category`` says why)
    ├── ScanError            the pages came, but the scan cannot be proved complete
    ├── StoreError           the database refused
    │   ├── Fenced           another owner, or a reset, took the stream away
    │   ├── LeaseHeld        another process owns the source
    │   ├── SnapshotNeeded   a reader asks for changes that are no longer kept
    │   ├── StoreUnavailable locked, full, gone, read-only
    │   └── SchemaOutdated   migrations have to run first
    └── Stopped              we were asked to stop before the work was done

Messages carry the values and the next step. An error is logged once, by the engine.
"""

from __future__ import annotations

from enum import StrEnum


class PollerError(Exception):
    """The root: whatever the command line turns into one message and an exit code."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        """What the reader can do next; None when the message says it all."""


class SettingsError(PollerError):
    """A wrong setting, with the place where it stands.

    ``line`` and ``column`` count from 1; None when the problem has no place in the file
    (an environment variable, a missing file).
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        key: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        """Dotted path of the key, ``sources.crm.streams.issues.page.size``; None when there is none."""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        named = f"{self.key}: {self.message}" if self.key else self.message
        return f"{place}: {named}" if place else named


class Category(StrEnum):
    """Why a request brought no page. Alerts, slot outcomes and exit codes are chosen by it."""

    UNREACHABLE = "unreachable"
    """No answer: refused, reset, timed out, unresolvable name, TLS failure."""
    SERVER = "server"
    """5xx, or the body says "try again later", until the attempts were used up."""
    RATE_LIMITED = "rate_limited"
    """Told to wait longer than this run may wait."""
    AUTHENTICATION = "authentication"
    """401, or a credential that cannot be read."""
    FORBIDDEN = "forbidden"
    """403: the credential works and may not read this."""
    REFUSED = "refused"
    """Another 4xx, or a body code that asks for no retry: the request itself is wrong."""
    SHAPE = "shape"
    """The answer is no page: HTML, half a document, no list where the records should be."""
    BOUNDS = "bounds"
    """Too large, too deep, too well compressed."""
    ORIGIN = "origin"
    """A redirect or next link to another origin; nothing was sent there."""


class FetchError(PollerError):
    """A request that brought no page, after every retry it was allowed."""

    def __init__(
        self,
        category: Category,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        body: bytes | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.category = category
        self.status = status
        self.request_id = request_id
        self.body = body
        """The offending body (cut to 64 KiB) when it is worth keeping as a dead page; else None."""


class ScanError(PollerError):
    """The pages came, but the scan loops, shifts without end, or cannot be proved complete."""


class StoreError(PollerError):
    """The database refused; nothing of the transaction stands."""


class Fenced(StoreError):
    """The stream's epoch moved on: a reset, a new owner. This run must stop and write nothing."""


class LeaseHeld(StoreError):
    """Another process owns the source; the message names its host and pid."""


class SnapshotNeeded(StoreError):
    """The change feed cannot go on from where a reader stands without leaving something out."""


class StoreUnavailable(StoreError):
    """Locked, full, gone or read-only: worth trying again later, state intact."""


class SchemaOutdated(StoreError):
    """The database is older (or newer) than this program."""


class Stopped(PollerError):
    """Asked to stop; what is committed stands, the rest was not begun."""
