"""``poller dead-letters``: what could not be mirrored, and why; its bytes are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Context, Option

from poller.cli.arguments import Json, Limit, Streams
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poller.store.views_letters import LetterView


def list_letters(
    context: Context,
    streams: Streams = None,
    everything: Annotated[bool, Option("--all", help="Closed ones too.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List open dead letters; one closes by itself when a newer version of its record is mirrored."""
    from poller.cli import screen
    from poller.cli.names import chosen
    from poller.cli.opening import reading, settings_of, stream_names
    from poller.store.views_letters import all_letters, open_letters

    options = options_of(context)
    settings = settings_of(options)
    with reading(settings) as database:
        names = chosen(streams or [], stream_names(settings, database))
        found = (all_letters if everything else open_letters)(database, names, limit)
    if as_json:
        screen.json_lines(map(as_row, found))
    elif found:
        _show(found, options)
    else:
        screen.note("no dead letters" if everything else "no open dead letters", options)


def show_letter(
    context: Context,
    number: Annotated[int, Argument(metavar="ID", help="Its number, as `dead-letters list` shows it.")],
    as_json: Json = False,
) -> None:
    """Show one dead letter with the bytes as they were received."""
    from poller.cli import screen
    from poller.cli.failures import UsageError
    from poller.cli.opening import reading, settings_of
    from poller.store.views_letters import letter

    with reading(settings_of(options_of(context))) as database:
        found = letter(database, number)
    if found is None:
        raise UsageError(
            f"there is no dead letter {number}", hint="`poller dead-letters list --all` shows them"
        )
    if as_json:
        screen.json_lines([as_row(found)])
    else:
        _show_one(found)


def as_row(view: LetterView) -> dict[str, Any]:
    """One line of ``dead-letters list --json``. ``payload`` is text; bytes that are no UTF-8 are escaped."""
    from poller.cli.words import json_moment, json_position

    row = {name: getattr(view, name) for name in view.__dataclass_fields__}
    row |= {name: json_moment(row[name]) for name in ("first_seen_at", "last_seen_at", "closed_at")}
    row["position"] = json_position(view.position)
    row["payload"] = view.payload.decode("utf-8", "backslashreplace")
    return row


def _show(found: Sequence[LetterView], options: Options) -> None:
    from poller.cli.screen import Column, note, show
    from poller.cli.words import NOTHING, moment, number

    columns = (
        Column("id", numeric=True),
        Column("stream", cut=True),
        Column("reason"),
        Column("key", cut=True),
        Column("times", numeric=True, spare=True),
        Column("last seen"),
        Column("closed by", spare=True),
        Column("detail", cut=True),
    )
    rows = [
        (
            str(each.id),
            each.stream,
            each.reason,
            each.key or NOTHING,
            number(each.times),
            moment(each.last_seen_at),
            NOTHING if each.closed_by is None else f"run {each.closed_by}",
            each.detail,
        )
        for each in found
    ]
    show(columns, rows, options)
    note("`poller dead-letters show ID` shows the bytes that came", options)


def _show_one(view: LetterView) -> None:
    from poller.cli.words import NOTHING, moment, number, position

    closed = NOTHING if view.closed_at is None else f"{moment(view.closed_at)} by run {view.closed_by}"
    facts = {
        "stream": view.stream,
        "reason": view.reason,
        "detail": view.detail,
        "key": view.key or NOTHING,
        "position": position(view.position),
        "first seen": moment(view.first_seen_at),
        "last seen": f"{moment(view.last_seen_at)} ({number(view.times)}x)",
        "run": NOTHING if view.run is None else str(view.run),
        "request": view.request_id or NOTHING,
        "closed": closed,
    }
    for name, value in facts.items():
        print(f"{name:<11}{value}")
    print(f"\n{view.payload.decode('utf-8', 'backslashreplace')}")


VERBS = {"list": list_letters, "show": show_letter}
