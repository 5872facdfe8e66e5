"""How changes are written: a table, lines that come as they happen, JSON Lines with a token each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from poller.cli.options import Options

if TYPE_CHECKING:
    from poller.core.feed_token import FeedToken
    from poller.store.changes import ChangeView, FeedPage, Snapshot
    from poller.store.database import Database

PAGE = 500
"""Changes that are read, and held in memory, at a time."""


def pages(database: Database, token: FeedToken, names: list[str], limit: int) -> Iterator[FeedPage]:
    """The first ``limit`` changes behind ``token``, a page at a time; at least one page, which may be empty.

    Raises SnapshotNeeded when a change in between is no longer kept.
    """
    from poller.store.changes import changes_after

    left = limit
    while left > 0:
        asked = min(left, PAGE)
        page = changes_after(database, token, names, asked)
        yield page
        if len(page.changes) < asked:
            return
        token, left = page.end, left - asked


def tell(token: FeedToken, options: Options) -> None:
    """Where to go on, on stderr."""
    from poller.cli.screen import note

    note(f"next token: {token}", options)


def print_json(page: FeedPage) -> None:
    """A line for each change, with the token behind it; all of them are out when this returns."""
    from poller.cli.screen import json_lines

    json_lines(_with_tokens(page))


def print_json_snapshot(taken: Snapshot) -> None:
    """A line for each row, and a last one with the token: until then the snapshot is not whole."""
    from poller.cli.screen import json_lines

    json_lines(as_row(row, None) for row in taken.rows)
    json_lines([{**dict.fromkeys(KEYS), "op": "end", "token": str(taken.token)}])


KEYS = {
    "stream": "`source.stream`",
    "seq": "number of the change, without a gap per stream",
    "op": "`snapshot`, `insert`, `update` or `delete`; `end` in the last line of `--snapshot`, which has the "
    "token and nothing else",
    "key": "the record's key, as JSON",
    "position": "of the record",
    "observed_at": "when the request that showed it was sent",
    "run": "number of the run",
    "before": "the record as it was received before; null for a new one, and where the stream keeps keys "
    "only",
    "after": "the record as it was received; null for a deletion, and where the stream keeps keys only",
    "token": "what `--after` takes to go on behind this line; null in the rows of `--snapshot`",
}
"""The keys of ``--json`` and their meanings."""


def as_row(view: ChangeView, token: str | None) -> dict[str, Any]:
    """One line of ``poller changes --json``."""
    from poller.cli.words import json_moment, json_position

    return {
        "stream": view.stream,
        "seq": view.seq,
        "op": view.op,
        "key": _embedded(view.key),
        "position": json_position(view.position),
        "observed_at": json_moment(view.observed_at),
        "run": view.run,
        "before": _embedded(view.before),
        "after": _embedded(view.after),
        "token": token,
    }


def print_lines(page: FeedPage) -> None:
    """A line for each change, for people who watch; all of them are out when this returns."""
    for change in page.changes:
        print(line(change))
    sys.stdout.flush()


def line(view: ChangeView) -> str:
    """``2026-11-21 12:00:00Z  update    shop.orders  7  "A-1"``."""
    from poller.cli.screen import GAP, one_line
    from poller.cli.words import moment

    return one_line(
        GAP.join((moment(view.observed_at), f"{view.op:8}", view.stream, str(view.seq), view.key))
    )


def show_table(page: FeedPage, options: Options) -> None:
    """A table of all of them."""
    from poller.cli.screen import Column, show
    from poller.cli.words import moment, number, position

    columns = (
        Column("stream", cut=True),
        Column("seq", numeric=True),
        Column("op", coloured=True),
        Column("key", cut=True),
        Column("position", spare=True),
        Column("observed", spare=True),
        Column("run", numeric=True, spare=True),
    )
    rows = [
        (
            each.stream,
            number(each.seq),
            each.op,
            each.key,
            position(each.position),
            moment(each.observed_at),
            str(each.run),
        )
        for each in page.changes
    ]
    show(columns, rows, options)


def _with_tokens(page: FeedPage) -> Iterator[dict[str, Any]]:
    token = page.start
    for change in page.changes:
        token = token.past(change.stream, change.seq)
        yield as_row(change, str(token))


def _embedded(text: str | None) -> Any:  # noqa: ANN401 (msgspec's raw JSON, or None)
    """JSON text as it was received, every digit of it, on one line."""
    import msgspec

    if text is None:
        return None
    one_line = text.replace("\r", " ").replace("\n", " ")  # raw line breaks stand only between JSON tokens
    return msgspec.Raw(one_line.encode("utf-8", "surrogatepass"))
