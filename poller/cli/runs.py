"""``poller runs``: what was polled, when, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Option

from poller.cli.arguments import Json, Limit, Streams
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poller.store.views import RunView

_BAD = ("failed", "killed")


def runs(
    context: Context,
    streams: Streams = None,
    failed: Annotated[bool, Option("--failed", help="Only runs that failed or were killed.")] = False,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List runs, the newest last. Idle polls that follow each other are one row."""
    from poller.cli import screen
    from poller.cli.names import chosen
    from poller.cli.opening import reading, settings_of, stream_names
    from poller.store.views import run_views

    options = options_of(context)
    settings = settings_of(options)
    with reading(settings) as database:
        names = chosen(streams or [], stream_names(settings, database))
        found = run_views(database, names, limit, _BAD if failed else ())
    if as_json:
        screen.json_lines(map(as_row, found))
    elif found:
        _show(found, options)
    else:
        screen.note("no run has failed" if failed else "no runs yet: `poller once` makes one", options)


def as_row(view: RunView) -> dict[str, Any]:
    """One line of ``poller runs --json``."""
    from poller.cli.words import json_moment, json_position

    moments = ("started_at", "ended_at", "first_slot", "last_slot")
    positions = ("watermark_before", "watermark_after")
    row = {name: getattr(view, name) for name in view.__dataclass_fields__}
    row |= {name: json_moment(row[name]) for name in moments}
    row |= {name: json_position(row[name]) for name in positions}
    return row


JSON_KEYS = {
    "runs": {
        "run": "number",
        "stream": "`source.stream`",
        "kind": "`poll`, `manual` or `replay`",
        "outcome": "`ok`, `partial`, `failed`, `killed` or `stopped`; null while it is under way",
        "category": "why it failed",
        "error": "in words",
        "started_at": "moment",
        "ended_at": "moment",
        "first_slot": "the first slot that it owns",
        "last_slot": "the last slot that it owns",
        "polls": "idle polls that this row stands for",
        "pages": "read and committed",
        "rows_read": "records read, again or not",
        **dict.fromkeys(
            ("inserted", "updated", "unchanged", "deleted", "refused", "dead", "late"), "as in `once`"
        ),
        "requests": "HTTP requests",
        "failed_requests": "of these, the ones without a good answer",
        "bytes_received": "on the wire",
        "healed": "missed slots that it covered",
        "watermark_before": "position",
        "watermark_after": "position",
        "notices": "list of `kind: words`",
    }
}


def _show(found: Sequence[RunView], options: Options) -> None:
    from poller.cli.screen import Column, note, show
    from poller.cli.words import NOTHING, moment, named, number, span

    columns = (
        Column("run", numeric=True),
        Column("stream", cut=True),
        Column("started", spare=True),
        Column("took", spare=True),
        Column("outcome", coloured=True),
        Column("polls", numeric=True, spare=True),
        Column("rows", numeric=True),
        Column("new", numeric=True),
        Column("changed", numeric=True),
        Column("deleted", numeric=True, spare=True),
        Column("dead", numeric=True),
        Column("requests", numeric=True, spare=True),
        Column("kind", spare=True),
    )
    rows = [
        (
            str(each.run),
            each.stream,
            moment(each.started_at),
            NOTHING if each.ended_at is None else span(each.ended_at - each.started_at),
            each.outcome or "running",
            number(each.polls),
            number(each.rows_read),
            number(each.inserted),
            number(each.updated),
            number(each.deleted),
            number(each.dead),
            number(each.requests),
            each.kind,
        )
        for each in found
    ]
    show(columns, rows, options)
    for each in found:
        for text in (each.error, *each.notices):
            if text is not None:
                note(f"run {each.run}: {named(each.stream, text)}", options)
