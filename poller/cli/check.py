"""``poller check``: are the settings right, can everything be reached, and what is guaranteed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from typer import Context, Exit, Option

from poller.cli.arguments import Json, Streams
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from poller.cli.check_show import Subject
    from poller.cli.judgement import Finding
    from poller.cli.probe import Voices
    from poller.config import Settings
    from poller.core.model import Stream
    from poller.engine.ports import Holds
    from poller.store.database import Database


def check(
    context: Context,
    streams: Streams = None,
    offline: Annotated[
        bool, Option("--offline", help="Ask no API: settings, secrets and database only.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check settings, database, secrets and APIs, and say what each stream is guaranteed.

    Each stream is asked for up to three pages; nothing is mirrored. Exit 2: settings are wrong,
    or can lose rows and are refused; 4: an API refused the credential; 1: something else failed.
    """
    from poller.cli import logs, screen
    from poller.cli.check_show import as_row, code, show, summary
    from poller.cli.names import chosen
    from poller.cli.opening import settings_of, streams_by_name

    options = options_of(context)
    logs.set_up(options)
    settings = settings_of(options)
    known = streams_by_name(settings)
    wanted = [known[name] for name in chosen(streams or [], list(known))]
    seen = []
    for subject in _subjects(settings, wanted, options, offline=offline):
        seen.append(subject)
        if as_json:
            screen.json_lines([as_row(subject)])
        else:
            show(subject, options)
    if not as_json:
        screen.note(summary(seen), options)
    raise Exit(code(seen))


def _subjects(
    settings: Settings, wanted: Sequence[Stream], options: Options, *, offline: bool
) -> Iterator[Subject]:
    """Everything that is looked at, one after the other: the database, the sources, the streams."""
    from poller.cli.check_base import looked_into, of_secrets
    from poller.cli.check_show import Subject
    from poller.cli.logs import debug_lines
    from poller.cli.probe import Voices

    sources = {stream.source for stream in wanted}
    with looked_into(settings) as (database, findings):
        yield Subject("settings", str(settings.path), tuple(_of_settings(settings)))
        yield Subject("database", _shown(settings.database_url), tuple(findings))
        for source in settings.sources:
            if source.name in sources:
                yield Subject("source", source.name, tuple(of_secrets(source)))
        with closing(Voices(settings.sources, _holds(database), debug_lines(options))) as voices:
            for stream in wanted:
                yield _of_stream(stream, None if offline else voices)


def _of_settings(settings: Settings) -> Iterator[Finding]:
    from poller.cli.judgement import Finding, Level
    from poller.cli.words import counted

    yield Finding(
        Level.OK,
        f"read without a problem: {counted(len(settings.sources), 'source')}, "
        f"{counted(len(settings.streams), 'stream')}",
    )
    for warning in settings.warnings:
        yield Finding(Level.CAUTION, warning)


def _of_stream(stream: Stream, voices: Voices | None) -> Subject:
    from poller.cli.check_show import Subject
    from poller.cli.judgement import Finding, Level
    from poller.cli.probe import probed
    from poller.core.errors import PollerError
    from poller.core.guarantee import guarantee

    promised = guarantee(stream)
    if voices is None:
        return Subject("stream", str(stream), (), promised)
    try:
        voice = voices.of(stream.source)
    except PollerError as error:
        return Subject("stream", str(stream), (Finding(Level.FAILED, str(error), error.hint),), promised)
    test = probed(stream, voice, datetime.now(UTC))
    return Subject("stream", str(stream), test.findings, promised, test.category, test.requests)


def _holds(database: Database | None) -> Holds:
    from poller.cli.probe import PassingHolds
    from poller.store.holds import Holds as StoredHolds

    return PassingHolds() if database is None else StoredHolds(database)


def _shown(url: str) -> str:
    """A database URL without its password."""
    import re

    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", url)
