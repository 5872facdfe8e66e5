"""``poller watermark``: how far each stream has come, and the way to read again from an earlier point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Option

from poller.cli.arguments import Json, OneStream, Streams
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from poller.store.views import MoveView
    from poller.store.views_streams import StreamView


def list_watermarks(context: Context, streams: Streams = None, as_json: Json = False) -> None:
    """List the watermark of each stream."""
    from poller.cli import screen
    from poller.cli.names import chosen
    from poller.cli.opening import reading, settings_of, stream_names
    from poller.store.views_streams import stream_views

    options = options_of(context)
    settings = settings_of(options)
    with reading(settings) as database:
        names = chosen(streams or [], stream_names(settings, database))
        views = stream_views(database, names)
    if as_json:
        screen.json_lines(map(as_row, views))
    elif views:
        _show(views, options)
    else:
        screen.note("no stream was polled yet: `poller once` does", options)


def show_watermark(context: Context, stream: OneStream, as_json: Json = False) -> None:
    """Show one stream's watermark, and every move of it by hand."""
    from poller.cli import screen
    from poller.cli.names import one
    from poller.cli.opening import reading, settings_of, stream_names
    from poller.store.views import move_views
    from poller.store.views_streams import stream_view

    options = options_of(context)
    settings = settings_of(options)
    with reading(settings) as database:
        name = one(stream, stream_names(settings, database))
        view, moves = stream_view(database, name), move_views(database, [name], 100)
    if as_json:
        screen.json_lines([{**as_row(view), "moves": [_move_row(move) for move in moves]}])
    else:
        _show_one(view, moves)


To = Annotated[
    str | None,
    Option("--to", metavar="PLACE", help="To this time, 2026-11-01T00:00:00Z, or this number."),
]
Wait = Annotated[bool, Option("--wait", help="Let a run under way finish first.")]
DryRun = Annotated[bool, Option("--dry-run", help="Only show what would happen.")]
Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask.")]
Why = Annotated[str, Option("--why", metavar="TEXT", help="The reason, for the record.")]


def reset(
    context: Context,
    stream: OneStream,
    to: To = None,
    back: Annotated[
        str | None, Option("--back", metavar="SPAN", help="Back by so much, such as 7d, 12h, or a count.")
    ] = None,
    start: Annotated[bool, Option("--start", help="To the start: everything is read again.")] = False,
    wait: Wait = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    why: Why = "",
) -> None:
    """Move a watermark back: the next poll reads from there.

    Nothing is lost by it: rows that did not change make no change and no write. This never moves
    a watermark forward, since what lies between would be skipped. A run under way is stopped at
    its next commit; with --wait, it ends first. A daemon polls the stream right afterwards.
    """
    from poller.cli.moves import Wish, earlier
    from poller.cli.moving import Terms, carry_out

    terms = Terms(wait, dry_run, yes, why or "poller watermark reset")
    carry_out(context, stream, Wish(to, back, start), earlier, terms)


def set_watermark(
    context: Context,
    stream: OneStream,
    to: To = None,
    token: Annotated[
        str | None, Option("--token", metavar="TEXT", help="To this token, exactly as the API gave it.")
    ] = None,
    wait: Wait = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    why: Why = "",
) -> None:
    """Move a watermark anywhere, also forward: what lies between is never read.

    It says what that leaves out, asks, and keeps it on the record. To read again from an earlier
    point, `poller watermark reset` is enough.
    """
    from poller.cli.moves import Wish, anywhere
    from poller.cli.moving import Terms, carry_out

    terms = Terms(wait, dry_run, yes, why or "poller watermark set")
    carry_out(context, stream, Wish(to, token=token), anywhere, terms)


def as_row(view: StreamView) -> dict[str, Any]:
    """One line of ``poller watermark list --json``."""
    from poller.cli.words import json_moment, json_position

    return {
        "stream": view.name,
        "watermark": json_position(view.watermark),
        "watermark_text": view.watermark_text,
        "complete_through": json_position(view.complete_through),
        "drained_at": json_moment(view.drained_at),
        "epoch": view.epoch,
        "scan_pages": view.scan_pages,
        "scan_rows": view.scan_rows,
    }


_KEYS = {
    "stream": "`source.stream`",
    "watermark": "position",
    "watermark_text": "as the API sent it",
    "complete_through": "position",
    "drained_at": "when a scan was last read to its end",
    "epoch": "grows whenever somebody takes the stream over or moves its watermark",
    "scan_pages": "pages of an unfinished scan",
    "scan_rows": "rows of it",
}
JSON_KEYS = {
    "watermark list": _KEYS,
    "watermark show": {**_KEYS, "moves": "list of `moved_at`, `who`, `why`, `from`, `to`, `epoch`"},
}


def _move_row(move: MoveView) -> dict[str, Any]:
    from poller.cli.words import json_moment, json_position

    return {
        "moved_at": json_moment(move.moved_at),
        "who": move.who,
        "why": move.why,
        "from": json_position(move.before),
        "to": json_position(move.to),
        "epoch": move.epoch,
    }


def _show(views: list[StreamView], options: Options) -> None:
    from poller.cli.moves import place
    from poller.cli.screen import Column, show
    from poller.cli.words import NOTHING, moment, position

    columns = (
        Column("stream", cut=True),
        Column("watermark", cut=True, least=20),
        Column("complete through", spare=True),
        Column("read to its end", spare=True),
        Column("scan under way", spare=True),
    )
    rows = [
        (
            view.name,
            place(view.watermark, view.watermark_text) or NOTHING,
            position(view.complete_through),
            moment(view.drained_at),
            _scan(view),
        )
        for view in views
    ]
    show(columns, rows, options)


def _scan(view: StreamView) -> str:
    from poller.cli.words import NOTHING, counted

    if view.scan_pages is None:
        return NOTHING
    return f"{counted(view.scan_pages, 'page')}, {counted(view.scan_rows or 0, 'row')}"


def _show_one(view: StreamView, moves: list[MoveView]) -> None:
    from poller.cli.moves import place
    from poller.cli.words import NOTHING, moment, position

    facts = {
        "stream": view.name,
        "watermark": place(view.watermark, view.watermark_text) or NOTHING,
        "as received": view.watermark_text or NOTHING,
        "complete through": position(view.complete_through),
        "read to its end": moment(view.drained_at),
        "scan under way": _scan(view),
        "epoch": str(view.epoch),
    }
    for name, value in facts.items():
        print(f"{name:<18}{value}")
    for move in moves:
        to = "the start" if move.to is None else position(move.to)
        tokens = move.before is None and move.to is None and " → " in move.why
        between = "" if tokens else f"{position(move.before)} → {to}  "
        print(f"{'moved':<18}{moment(move.moved_at)}  {between}{move.who}: {move.why}")


VERBS = {"list": list_watermarks, "show": show_watermark, "reset": reset, "set": set_watermark}
