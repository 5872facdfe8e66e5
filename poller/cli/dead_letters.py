"""``poller dead-letters``: what could not be mirrored, and why; its bytes are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Context, Option

from poller.cli.arguments import Json, Limit, Streams
from poller.cli.discarding import DISCARD_KEYS, discard
from poller.cli.options import Options, options_of
from poller.cli.replaying import REPLAY_KEYS, replay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poller.store.views_letters import LetterGroup, LetterView


def list_letters(
    context: Context,
    streams: Streams = None,
    everything: Annotated[bool, Option("--all", help="Closed ones too.")] = False,
    by_reason: Annotated[
        bool, Option("--by-reason", help="Count the open ones by stream and reason instead.")
    ] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List open dead letters; one closes by itself when a newer version of its record is mirrored."""
    from poller.cli import screen
    from poller.cli.names import chosen
    from poller.cli.opening import reading, settings_of, stream_names
    from poller.store.views_letters import all_letters, letter_groups, open_letters

    options = options_of(context)
    settings = settings_of(options)
    with reading(settings) as database:
        names = chosen(streams or [], stream_names(settings, database))
        groups = letter_groups(database, names)
        found = [] if by_reason else (all_letters if everything else open_letters)(database, names, limit)
    if as_json:
        screen.json_lines(map(_group_row, groups) if by_reason else map(as_row, found))
    elif by_reason and groups:
        _show_groups(groups, options)
    elif found:
        _show(found, groups, options)
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


_KEYS = {
    "id": "number",
    "stream": "`source.stream`",
    "reason": "`key`, `position`, `value`, `shape` or `page`",
    "detail": "in words",
    "key": "of the record, as JSON text",
    "position": "of the record",
    "request_id": "what the API called the request",
    "times": "how often it came",
    "first_seen_at": "moment",
    "last_seen_at": "moment",
    "run": "the last that met it",
    "closed_at": "when it was mirrored, or given up; null while it is open",
    "closed_by": "the run that mirrored it, or a newer version of it",
    "closed_how": "`merged` (a newer version), `replayed` or `discarded`; null while it is open",
    "payload": "the bytes as text; what is no UTF-8 is escaped",
}
JSON_KEYS = {
    "dead-letters list": _KEYS,
    "dead-letters show": _KEYS,
    "dead-letters replay": REPLAY_KEYS,
    "dead-letters discard": DISCARD_KEYS,
}
EXIT_CODES = {"dead-letters replay": {1: "a letter stays open, or a replay failed"}}
NOTES = """\
While a daemon holds the source, it replays and discards, and is followed here. `list --by-reason --json`
has the keys `stream`, `reason`, `letters`, `times`, `first_seen_at` and `last_seen_at`. A letter of the
reason `page` is a whole answer: its records are merged, and its rows that cannot be become letters of
their own.
"""


def _group_row(group: LetterGroup) -> dict[str, Any]:
    from poller.cli.words import json_moment

    return {
        "stream": group.stream,
        "reason": group.reason,
        "letters": group.letters,
        "times": group.times,
        "first_seen_at": json_moment(group.first_seen_at),
        "last_seen_at": json_moment(group.last_seen_at),
    }


def _show_groups(groups: Sequence[LetterGroup], options: Options) -> None:
    from poller.cli.screen import Column, show
    from poller.cli.words import moment, number

    columns = (
        Column("stream", cut=True),
        Column("reason"),
        Column("letters", numeric=True),
        Column("times", numeric=True),
        Column("first seen", spare=True),
        Column("last seen"),
    )
    rows = [
        (
            each.stream,
            each.reason,
            number(each.letters),
            number(each.times),
            moment(each.first_seen_at),
            moment(each.last_seen_at),
        )
        for each in groups
    ]
    show(columns, rows, options)


def _show(found: Sequence[LetterView], groups: Sequence[LetterGroup], options: Options) -> None:
    from poller.cli.screen import Column, note, show
    from poller.cli.words import NOTHING, moment, number

    columns = (
        Column("id", numeric=True),
        Column("stream", cut=True),
        Column("reason"),
        Column("key", cut=True),
        Column("times", numeric=True, spare=True),
        Column("last seen", spare=True),
        Column("closed", spare=True),
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
            NOTHING if each.closed_at is None else _closed(each),
            each.detail,
        )
        for each in found
    ]
    show(columns, rows, options)
    if groups:
        each = [f"{number(group.letters)} {group.reason} in {group.stream}" for group in groups]
        note(f"open: {', '.join(each)}", options)
    note("`poller dead-letters show ID` shows the bytes that came; `replay` reads them again", options)


def _closed(view: LetterView) -> str:
    """``replayed by run 7``."""
    by = "" if view.closed_by is None else f" by run {view.closed_by}"
    return f"{view.closed_how or 'closed'}{by}"


def _show_one(view: LetterView) -> None:
    from poller.cli.words import NOTHING, moment, number, position

    closed = NOTHING if view.closed_at is None else f"{moment(view.closed_at)} {_closed(view)}"
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


VERBS = {"list": list_letters, "show": show_letter, "replay": replay, "discard": discard}
