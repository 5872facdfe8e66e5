"""``poller changes``: the change feed, numbered without gaps per stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Option

from poller.cli.arguments import Json, Streams
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poller.store.views import ChangeView


def changes(
    context: Context,
    streams: Streams = None,
    after: Annotated[
        int | None,
        Option(
            "--after", min=0, metavar="SEQ", help="Only what follows this number, oldest first; one stream."
        ),
    ] = None,
    limit: Annotated[int, Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """List changes: the newest, or with --after those that follow a number.

    Numbers run per stream, without a gap: whoever keeps the last one that was read and asks
    --after it misses nothing. --json has the records before and after.
    """
    from poller.cli import screen
    from poller.cli.names import chosen, one
    from poller.cli.opening import reading, settings_of, stream_names
    from poller.store.views import change_views, changes_after

    options = options_of(context)
    settings = settings_of(options)
    with reading(settings) as database:
        known = stream_names(settings, database)
        if after is None:
            found = change_views(database, chosen(streams or [], known), limit)
        else:
            found = changes_after(database, one(_single(streams), known), after, limit)
    if as_json:
        screen.json_lines(map(as_row, found))
    elif found:
        _show(found, options)
    else:
        screen.note("no changes yet" if after is None else f"no changes after {after}", options)


def as_row(view: ChangeView) -> dict[str, Any]:
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
    }


def _single(streams: list[str] | None) -> str:
    from poller.cli.failures import UsageError

    if streams is None or len(streams) != 1:
        raise UsageError(
            "--after takes one stream, because every stream has numbers of its own",
            hint="name it: poller changes source.stream --after 0",
        )
    return streams[0]


def _embedded(text: str | None) -> Any:  # noqa: ANN401 (msgspec's raw JSON, or None)
    """JSON text as it was received, every digit of it, on one line."""
    import msgspec

    if text is None:
        return None
    line = text.replace("\r", " ").replace("\n", " ")  # raw line breaks stand only between JSON tokens
    return msgspec.Raw(line.encode("utf-8", "surrogatepass"))


def _show(found: Sequence[ChangeView], options: Options) -> None:
    from poller.cli.screen import Column, show
    from poller.cli.words import moment, number, position

    columns = (
        Column("stream", cut=True),
        Column("seq", numeric=True),
        Column("op", coloured=True),
        Column("key", cut=True),
        Column("position"),
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
        for each in found
    ]
    show(columns, rows, options)
