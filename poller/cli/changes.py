"""``poller changes``: the change feed, numbered without gaps per stream, for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from typer import Context, Option

from poller.cli.arguments import Json, Streams
from poller.cli.feed_lines import KEYS
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from poller.config import Settings
    from poller.core.feed_token import FeedToken
    from poller.store.changes import FeedPage
    from poller.store.database import Database

JSON_KEYS = {"changes": KEYS}
NOTES = """\
Ctrl-C and SIGTERM end `--follow` with exit code 0; the token to go on from is told on stderr. Exit 1 and
"take a snapshot" mean that changes behind the token are no longer kept.
[The change feed](../explanation/change-feed.md) says more.
"""
SHOWN = 20
"""Changes that are listed when nobody says how many."""
After = Annotated[
    str | None,
    Option(
        "--after",
        metavar="TOKEN",
        help="Only what follows, oldest first; 0 is the beginning. Of one stream, a number.",
    ),
]


def changes(
    context: Context,
    streams: Streams = None,
    after: After = None,
    follow: Annotated[
        bool, Option("--follow", "-f", help="Wait for more, until Ctrl-C; without --after from now on.")
    ] = False,
    snapshot: Annotated[
        bool, Option("--snapshot", help="The rows that stand now, and the token to go on from.")
    ] = False,
    limit: Annotated[
        int | None,
        Option(
            "--limit", "-n", min=1, metavar="N", help=f"At most so many. [default: {SHOWN}; no end with -f]"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List changes: the newest, or with --after those that follow a token.

    Whoever keeps the token behind the last change and asks --after it misses nothing and gets
    nothing twice. With --json each line has its token, and the records before and after.
    """
    from poller.cli.failures import UsageError
    from poller.cli.opening import reading, settings_of

    options = options_of(context)
    if snapshot and limit is not None:
        raise UsageError("--snapshot is of all rows, and --limit would cut it", hint="leave --limit out")
    settings = settings_of(options)
    with reading(settings) as database:
        names = _Names(database, settings, streams or [])
        names.warn(options)
        token = None if after is None else _token(after, names)
        if snapshot:
            token = _print_snapshot(database, token, names, options, as_json=as_json)
        if follow:
            _follow(database, token, names, limit, options, as_json=as_json)
        elif not snapshot:
            _list(database, token, names, SHOWN if limit is None else limit, options, as_json=as_json)


class _Names:
    """The streams that the command line means; a new one joins those that are asked for."""

    def __init__(self, database: Database, settings: Settings, words: list[str]) -> None:
        self._database = database
        self._settings = settings
        self.words = words
        self._unkept = {str(stream) for stream in settings.streams if stream.changes == "off"}

    def all(self) -> list[str]:
        """Also those that keep no changes. Raises UsageError for a name that is not known."""
        from poller.cli.names import chosen
        from poller.cli.opening import stream_names

        return chosen(self.words, stream_names(self._settings, self._database))

    def kept(self) -> list[str]:
        """Those that keep changes. Raises UsageError when a stream was asked for that keeps none."""
        from poller.cli.failures import UsageError

        names = self.all()
        kept = [name for name in names if name not in self._unkept]
        silent = [name for name in names if name in self._unkept and (name in self.words or not kept)]
        if silent:
            raise UsageError(
                f'{", ".join(silent)} keeps no changes: its settings say changes = "off"',
                hint=f"say full or keys; `poller changes {silent[0]} --snapshot` has the rows as they stand",
            )
        return kept

    def warn(self, options: Options) -> None:
        """Name the streams that are left out."""
        from poller.cli.screen import note

        silent = [name for name in self.all() if name in self._unkept and name not in self.words]
        if silent:
            note(f'left out, because they keep no changes (changes = "off"): {", ".join(silent)}', options)


def _token(after: str, names: _Names) -> FeedToken:
    """Where the reader stands. Raises UsageError for a token that is none."""
    from poller.cli.failures import UsageError
    from poller.core.feed_token import Bookmark, FeedToken, read_token

    if after.isascii() and after.isdecimal():
        named = names.all()
        if int(after) == 0:
            return FeedToken()
        if len(names.words) != 1 or len(named) != 1:
            raise UsageError(
                "--after with a number takes one stream, because every stream has numbers of its own",
                hint=f"name it: poller changes source.stream --after {after}; a token goes for several",
            )
        return FeedToken({named[0]: Bookmark(int(after))})
    try:
        return read_token(after)
    except ValueError as error:
        raise UsageError(
            f"--after: {error}",
            hint="give the whole token of the last change that you have, or 0 to begin at the beginning",
        ) from None


def _list(
    database: Database, token: FeedToken | None, names: _Names, limit: int, options: Options, *, as_json: bool
) -> None:
    """The changes behind ``token``, or the newest when there is none."""
    from poller.cli import feed_lines
    from poller.cli.screen import note
    from poller.store.changes import FeedPage, newest_changes

    if token is None:
        pages = iter([newest_changes(database, names.kept(), limit)])
    else:
        pages = feed_lines.pages(database, token, names.kept(), limit)
    if as_json:
        for page in pages:
            feed_lines.print_json(page)
        return
    listed = list(pages)
    whole = FeedPage(listed[0].start, [change for page in listed for change in page.changes])
    if whole.changes:
        feed_lines.show_table(whole, options)
    else:
        note("no changes yet" if token is None else "no changes after that", options)
    feed_lines.tell(whole.end, options)


def _print_snapshot(
    database: Database, token: FeedToken | None, names: _Names, options: Options, *, as_json: bool
) -> FeedToken:
    """The living rows; where the feed goes on behind them."""
    from poller.cli import feed_lines
    from poller.core.feed_token import FeedToken
    from poller.store.changes import snapshot

    before = FeedToken() if token is None else token
    with snapshot(database, before, names.all()) as taken:
        if as_json:
            feed_lines.print_json_snapshot(taken)
        else:
            for row in taken.rows:
                print(feed_lines.line(row))
            sys.stdout.flush()
            feed_lines.tell(taken.token, options)
        return taken.token


def _follow(
    database: Database,
    token: FeedToken | None,
    names: _Names,
    limit: int | None,
    options: Options,
    *,
    as_json: bool,
) -> None:
    """Print what is committed until somebody stops us; then say where to go on."""
    from poller.cli import feed_lines
    from poller.cli.follow import following
    from poller.cli.screen import note
    from poller.cli.words import counted
    from poller.core.errors import PollerError
    from poller.store.changes import feed_end

    write: Callable[[FeedPage], None] = feed_lines.print_json if as_json else feed_lines.print_lines
    reached = feed_end(database, names.kept()) if token is None else token
    note(f"following {counted(len(names.kept()), 'stream')}; Ctrl-C ends it", options)
    try:
        for page in following(database, reached, names.kept, limit):
            write(page)
            reached = page.end
    except PollerError:
        feed_lines.tell(reached, options)
        raise
    feed_lines.tell(reached, options)
