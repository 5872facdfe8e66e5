"""Asks each stream for a page or two, writes nothing, and judges what came against the settings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from poller.cli import judgement
from poller.cli.judgement import Finding, Level
from poller.core.errors import Category, FetchError, PollerError

if TYPE_CHECKING:
    from poller.core.model import Source, Stream
    from poller.core.page import Page
    from poller.core.scan.place import Place
    from poller.core.window import Scan
    from poller.engine.ports import Holds, Voice
    from poller.http.permits import StoredPermits

PATIENCE = timedelta(seconds=30)
"""How long one stream's test may take, waits included."""
ATTEMPTS = 2
"""Of one request: a check answers soon, and is repeated by hand."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What a stream's test showed. ``category`` None: every request brought a page."""

    findings: tuple[Finding, ...]
    category: Category | None = None
    requests: int = 0


@dataclass(slots=True)
class _Reader:
    """Reads pages of one stream, and counts the requests."""

    stream: Stream
    voice: Voice
    give_up_at: datetime
    requests: int = field(default=0)

    def page(self, scan: Scan, place: Place) -> Page | None:
        """One page; None when the API declined the request. Raises FetchError."""
        from poller.core.page import Page
        from poller.core.steps import Fetch
        from poller.core.verdict import judge

        fetch = Fetch(self.stream.pager.request(self.stream.template, scan.ask(place)))
        fetched = self.voice.fetch(
            self.stream,
            fetch.request,
            partial(judge, self.stream, fetch),
            self._count,
            run=f"{self.stream}#check",
            give_up_at=self.give_up_at,
        )
        return fetched if isinstance(fetched, Page) else None

    def _count(self, _attempt: object) -> None:
        self.requests += 1


def probed(stream: Stream, voice: Voice, now: datetime) -> Probed:
    """Read the first page, then one from the middle of it, and one behind a page that came short."""
    patient = replace(stream, retry=replace(stream.retry, attempts=min(stream.retry.attempts, ATTEMPTS)))
    reader = _Reader(patient, voice, now + PATIENCE)
    found: list[Finding] = []
    try:
        found += _read(reader, now)
    except FetchError as error:
        found.append(Finding(Level.FAILED, str(error), error.hint))
        return Probed(tuple(found), error.category, reader.requests)
    except PollerError as error:
        found.append(Finding(Level.FAILED, str(error), error.hint))
    return Probed(tuple(found), None, reader.requests)


def _read(reader: _Reader, now: datetime) -> Iterator[Finding]:
    from poller.core.scan.place import first_place
    from poller.core.window import plan_window

    scan = plan_window(reader.stream, "", now, watermark=None)
    place = first_place(scan)
    page = reader.page(scan, place)
    if page is None:
        return
    yield from judgement.of_the_page(reader.stream, page)
    yield from judgement.of_the_order(reader.stream, scan, page)
    yield from _of_since(reader, page, now)
    yield from _of_the_size(reader, scan, place, page)


def _of_since(reader: _Reader, page: Page, now: datetime) -> Iterator[Finding]:
    """Ask once more, from a position in the middle of what came: the API must leave out what is before it."""
    from poller.core.model import Kind
    from poller.core.scan.place import first_place
    from poller.core.window import plan_window

    stream = reader.stream
    if stream.since is None or not stream.filters_by_since or stream.since.kind is Kind.TOKEN:
        return  # records say nothing of where a token stands
    middle = judgement.between(page)
    if middle is None:
        yield Finding(
            Level.UNSURE,
            "whether the API honours since cannot be told: all records on the page stand together",
        )
        return
    bare = replace(stream.since, lookback=timedelta(0), count=0)  # an overlap could ask for the whole page
    scan = plan_window(replace(stream, since=bare), "", now, watermark=middle)
    later = reader.page(scan, first_place(scan))
    if later is not None:
        yield judgement.of_since(scan, first_place(scan), later)


def _of_the_size(reader: _Reader, scan: Scan, place: Place, page: Page) -> Iterator[Finding]:
    """A short page behind which more rows stand is a capped one."""
    from poller.core.paging import Steering

    size = reader.stream.pager.size
    if page.rows >= size or reader.stream.pager.steering is not Steering.OFFSET or page.rows == 0:
        yield from judgement.of_the_size(reader.stream, page, more=None)
        return
    behind = reader.page(scan, replace(place, offset=page.rows))
    yield from judgement.of_the_size(reader.stream, page, more=behind is not None and behind.rows > 0)


class Voices:
    """One voice per source, opened when it is first needed.

    Holds are obeyed and, if they can be, kept; the rate budget is the one of the daemon that may
    run beside. ``permits`` None: there is no database to share it in.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        holds: Holds,
        state_dir: Path,
        debug: Callable[[str], None] | None,
        permits: StoredPermits | None,
    ) -> None:
        self._sources = {source.name: source for source in sources}
        self._permits = permits
        self._state_dir = state_dir
        self._holds = holds
        self._debug = debug
        self._open: dict[str, Voice] = {}
        self._closing: list[Callable[[], None]] = []

    def of(self, name: str) -> Voice:
        """Raises SettingsError for a base URL that cannot be used."""
        from poller.cli.logs import REDACTOR
        from poller.http.client import HttpVoice
        from poller.secrets import reveal

        if name not in self._open:
            voice = HttpVoice(
                self._sources[name],
                self._holds,
                lambda: datetime.now(UTC),
                threading.Event(),
                REDACTOR,
                reveal,
                self._debug,
                state_dir=self._state_dir,
                permits=self._permits,
            )
            self._open[name] = voice
            self._closing.append(voice.close)
        return self._open[name]

    def close(self) -> None:
        for close in self._closing:
            close()


class PassingHolds:
    """Holds for as long as the process lives: there is no database yet to keep them in."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def not_before(self, source: str) -> datetime | None:
        return self._until.get(source)

    def hold(self, source: str, until: datetime, reason: str) -> None:
        del reason
        self._until[source] = max(until, self._until.get(source, until))
