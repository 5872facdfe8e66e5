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
    from poller.http.permits import StoredPermits
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

    Each stream is asked for up to three pages, of which nothing is mirrored, and they are judged:
    rows, keys, positions, the declared order, whether since is honoured, whether the page size
    is, and whether the next page is named. --offline asks no API.
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


EXIT_CODES = {
    "check": {
        1: "something failed",
        2: "the settings are wrong, or can lose rows and are refused",
        4: "an API refused the credential, or a secret cannot be read",
    }
}
JSON_KEYS = {
    "check": {
        "kind": "`settings`, `database`, `source` or `stream`",
        "name": "of what was looked at",
        "ok": "nothing failed and nothing is refused",
        "category": "why a request failed: `unreachable`, `authentication`, …; null when none did",
        "requests": "how many were sent",
        "findings": "list of `level` (`ok`, `unsure`, `caution`, `failed`), `text`, `hint`",
        "guarantee": "list of sentences; of a stream",
        "hazards": "list of `name`, `severity` (`refused`, `caution`), `what`, `remedy`; of a stream",
        "accepted": "names of hazards that the settings accept",
    }
}
NOTES = """\
Behind the findings stands what each stream is guaranteed, and which hazards its settings have. A hazard that
can lose rows in silence is **refused** (exit 2), until the settings change or the stream says
`accept = ["name"]`. A **caution** is told.

| hazard | | what it means |
|---|---|---|
| `order-none-offset` | refused | row numbers without an order: nothing proves that all rows were seen |
| `order-none-page` | refused | page numbers without an order: the same |
| `unstable-ties-offset` | refused | rows of one position change places: more than a page cannot be proved |
| `unstable-ties-page` | refused | the same, for page numbers |
| `bound-unsaid` | refused | whether the filter takes rows that stand exactly at since is not said |
| `naive-local-time` | refused | times without an offset, clocks that are turned back, too short a lookback |
| `order-none-cursor` | caution | no order is declared: it rests on the API's cursors |
| `opaque-cursor` | caution | a cursor may be a row number in disguise |
| `cursor-lifetime` | caution | a cursor that expires before the listing was read begins it again |
| `single-page` | caution | one answer is taken for everything: what the API cuts off is never seen |
| `keyset-large-ties` | caution | more rows of one position than a page stop the stream |
| `no-lookback` | caution | rows that become visible late are missed until they change again |
"""


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
        state_dir, debug = settings.daemon.state_dir, debug_lines(options)
        kept = _holds(database), state_dir, debug, _permits(database)
        with closing(Voices(settings.sources, *kept)) as voices:
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


def _permits(database: Database | None) -> StoredPermits | None:
    from poller.bootstrap import ourselves
    from poller.http.ticks import tick
    from poller.store.permits import Permits

    return None if database is None else Permits(database, ourselves(), tick)


def _shown(url: str) -> str:
    """A database URL without its password."""
    import re

    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", url)
