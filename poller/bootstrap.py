"""The composition root: the only module that knows every concrete class."""

from __future__ import annotations

import os
import secrets as random_secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from poller.config.settings import Settings
from poller.core.command import Move
from poller.core.errors import Fenced, LeaseHeld, SettingsError, StoreError
from poller.core.fingerprint import fingerprint
from poller.core.model import Source, Stream
from poller.engine.garbage import short_lives
from poller.engine.housekeeping import Steps, housekeeping, prune
from poller.engine.ports import Voice
from poller.engine.run import Runner
from poller.engine.voices import Voices
from poller.http.client import HttpVoice
from poller.http.redact import Redactor
from poller.http.ticks import tick
from poller.secrets import reveal
from poller.store import commands, leases
from poller.store.commands import Inbox
from poller.store.database import Database, open_database
from poller.store.holds import Holds
from poller.store.leases import Owner
from poller.store.memory import Memory
from poller.store.permits import Permits
from poller.store.replay import LetterBox
from poller.store.retention import Keep, pruning
from poller.store.streams import ensure_streams, move_watermark
from poller.store.usage import Usages

log = structlog.get_logger("poller.house")


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def ourselves() -> Owner:
    """This process as the owner of sources, or as somebody who looks at owners."""
    return Owner(socket.gethostname(), os.getpid(), random_secrets.token_hex(16), utc_now())


class House:
    """The settings with everything that they need to become polls. Close it when done.

    ``debug`` is given every request and answer as lines without secrets; None says nothing.
    ``reread`` brings the settings as they stand now (raises SettingsError); None: they never change.
    ``longest_hold``: no run waits for a hold that lasts longer; None: as long as its budget lasts.
    """

    def __init__(
        self,
        settings: Settings,
        redactor: Redactor,
        *,
        debug: Callable[[str], None] | None = None,
        migrate: bool = True,
        reread: Callable[[], Settings] | None = None,
        longest_hold: timedelta | None = None,
    ) -> None:
        self.settings = settings
        self.lost = threading.Event()
        """Set when another process took a lease of ours over."""
        self._reread = reread
        self._held: tuple[str, ...] = ()
        self.redactor = redactor
        self.stop = threading.Event()
        self.database: Database = open_database(settings.database_url)
        self.backup: Path | None = None
        """The copy that was made before a migration; None when there was nothing to migrate."""
        if migrate:
            self.backup = self.database.upgrade()
        else:
            self.database.require_current()
        self.owner = ourselves()
        self.memory = Memory(self.database, self.owner)
        self.inbox = Inbox(self.database, self.owner)
        self.letters = LetterBox(self.database)
        self._debug = debug
        self._longest_hold = longest_hold
        self._voices: Voices[HttpVoice] = Voices(self._opened)
        self._ahead = ThreadPoolExecutor(settings.daemon.workers, thread_name_prefix="ahead")
        self._runner = self._made_runner()

    def runner(self) -> Runner:
        """Runs polls of this house's streams."""
        return self._runner

    def _made_runner(self) -> Runner:
        return Runner(
            memory=self.memory,
            voice=self._voices.lent,
            fingerprint=self.fingerprint,
            ahead=self._ahead,
            clock=utc_now,
            stop=self.stop,
            clean=self.redactor.clean,
        )

    def voice(self, name: str) -> Voice:
        """The voice of a source, opened when it is first needed."""
        return self._voices.of(name)

    def held_seconds(self, source: str) -> float:
        """How much longer a source must be left alone; 0.0 when it may be asked.

        Raises StoreError, SettingsError.
        """
        with self._voices.lent(source) as voice:
            return voice.held_seconds()

    def _opened(self, name: str, before: HttpVoice | None) -> HttpVoice:
        return HttpVoice(
            self.source(name),
            Holds(self.database),
            utc_now,
            self.stop,
            self.redactor,
            reveal,
            self._debug,
            state_dir=self.settings.daemon.state_dir,
            permits=Permits(self.database, self.owner, tick),
            usage=Usages(self.database),
            longest_hold=self._longest_hold,
            before=before,
        )

    def source(self, name: str) -> Source:
        """The source of that name. Raises SettingsError when the settings have none (any more)."""
        found = next((source for source in self.settings.sources if source.name == name), None)
        if found is None:
            raise SettingsError(f"there is no source {name} in the settings")
        return found

    def fingerprint(self, stream: Stream) -> str:
        return fingerprint(self.source(stream.source), stream)

    def move(self, move: Move) -> int:
        """Move a watermark by hand; the stream's new epoch."""
        return move_watermark(self.database, move)

    @property
    def streams(self) -> tuple[Stream, ...]:
        return self.settings.streams

    @property
    def workers(self) -> int:
        return self.settings.daemon.workers

    def reload(self) -> None:
        """Take over the settings as they stand now. A changed source gets a new voice, while its runs
        under way keep the old one until they end, under the new limits; secrets are read again.
        Raises SettingsError, LeaseHeld; the old settings stay in force then.
        """
        if self._reread is None:
            return
        settings = self._reread()
        if settings.database_url != self.settings.database_url:
            raise SettingsError(
                "database.url has changed", hint="stop the daemon and start it again for that"
            )
        if not settings.sources:
            raise SettingsError("the settings name no source", hint="to stop polling, stop the daemon")
        names = tuple(source.name for source in settings.sources)
        self._acquire(names)
        ensure_streams(self.database, settings.sources)
        gone = tuple(name for name in self._held if name not in names)
        leases.release(self.database, gone, self.owner)
        self._held = names
        before = {source.name: source for source in self.settings.sources}
        changed = {
            source.name
            for source in settings.sources
            if _connection(before.get(source.name)) != _connection(source)
        }

        def take_over() -> None:
            self.settings = settings

        self._voices.replace((*gone, *changed), take_over)
        for name in set(names) - changed:
            voice = self._voices.known(name)
            if voice is not None:
                voice.reread_credentials()

    def housekeeping(self) -> AbstractContextManager[None]:
        """Prune what is no longer kept, now and then, beside what the block does."""
        return housekeeping(self._pruning, self.stop)

    def tidy(self) -> None:
        """Prune a little of what is no longer kept; the next time goes on."""
        prune(self._pruning(), self.stop, patience=1.0)

    def _pruning(self) -> Steps:
        kept = self.settings.retention
        return pruning(self.database, Keep(kept.runs, kept.requests, kept.changes), utc_now())

    @contextmanager
    def leased(self, names: Sequence[str] | None = None) -> Iterator[None]:
        """Hold the leases of these sources (None: of all) inside the block, and make the streams known.

        They are renewed in the background; ``lost`` is set when that is refused. Raises
        LeaseHeld when another process has one of them.
        """
        with self._renewed():
            self._acquire(
                tuple(source.name for source in self.settings.sources) if names is None else tuple(names)
            )
            ensure_streams(self.database, self.settings.sources)
            yield

    @contextmanager
    def leased_where_free(self, names: Sequence[str]) -> Iterator[frozenset[str]]:
        """As :meth:`leased`, of those sources that no other process holds; they are given."""
        with self._renewed():
            free = frozenset(name for name in names if self._acquired(name))
            if free:
                ensure_streams(self.database, self.settings.sources)
            yield free

    @contextmanager
    def _renewed(self) -> Iterator[None]:
        """Renew what is acquired inside the block, and let go of it behind."""
        done = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(done,), name="lease", daemon=True)
        renewing.start()
        try:
            with short_lives():
                yield
        finally:
            done.set()
            renewing.join()
            try:
                leases.release(self.database, self._held, self.owner)
            except StoreError as error:  # they run out by themselves
                log.warning("leases not released", error=str(error))
            self._held = ()

    def _acquired(self, name: str) -> bool:
        try:
            self._acquire((name,))
        except LeaseHeld:
            return False
        return True

    def _acquire(self, names: tuple[str, ...]) -> None:
        leases.acquire(self.database, names, self.owner, self.settings.daemon.lease)
        commands.inherit(self.database, names, self.owner)
        self._held = tuple({*self._held, *names})

    def close(self) -> None:
        """Close the connections. No run may be under way."""
        self._ahead.shutdown(wait=True, cancel_futures=True)
        self._voices.close()
        self.database.close()

    def _renew(self, done: threading.Event) -> None:
        lasting = self.settings.daemon.lease
        while not done.wait(lasting.total_seconds() / 3):
            try:
                leases.renew(self.database, self._held, self.owner, lasting)
            except Fenced:
                self.lost.set()
            except StoreError:
                continue  # the database is away for the moment; the fence looks after the data
            except Exception:  # a thread that dies in silence would let the leases run out unnoticed
                log.exception("defect", what="renewing the leases")


def _connection(source: Source | None) -> Source | None:
    """A source without its streams: what its voice is made of."""
    return None if source is None else replace(source, streams=())
