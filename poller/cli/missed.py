"""``poller missed``: slots without a successful poll of their own, why, and which run healed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Option

from poller.cli.arguments import Json, Limit, Streams
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poller.store.views import MissedView


def missed(
    context: Context,
    streams: Streams = None,
    only_open: Annotated[bool, Option("--open", help="Only those that no run has healed yet.")] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List missed polls: from which slot to which, how many, why, and which run healed them."""
    from poller.cli import screen
    from poller.cli.names import chosen
    from poller.cli.opening import reading, settings_of, stream_names
    from poller.store.views import missed_views, open_missed_views

    options = options_of(context)
    settings = settings_of(options)
    with reading(settings) as database:
        names = chosen(streams or [], stream_names(settings, database))
        found = (open_missed_views if only_open else missed_views)(database, names, limit)
    if as_json:
        screen.json_lines(map(as_row, found))
    elif found:
        _show(found, options)
    else:
        screen.note("no open missed polls" if only_open else "no missed polls", options)


def as_row(view: MissedView) -> dict[str, Any]:
    """One line of ``poller missed --json``."""
    from poller.cli.words import json_moment

    return {
        "stream": view.stream,
        "first_slot": json_moment(view.first_slot),
        "last_slot": json_moment(view.last_slot),
        "count": view.slots,
        "reason": view.reason,
        "recorded_at": json_moment(view.recorded_at),
        "healed_by": view.healed_by,
        "healed_at": json_moment(view.healed_at),
    }


JSON_KEYS = {
    "missed": {
        "stream": "`source.stream`",
        "first_slot": "of the stretch",
        "last_slot": "of the stretch",
        "count": "slots in it",
        "reason": "`down`, `failed`, `unreachable`, `overrun`, `suspended`, `clock`, `rate_limited`, "
        "`paused`, `killed`, `settings`",
        "recorded_at": "when it was written down",
        "healed_by": "the run that covered it; null while it is open",
        "healed_at": "moment",
    }
}


def _show(found: Sequence[MissedView], options: Options) -> None:
    from poller.cli.screen import Column, note, show
    from poller.cli.words import moment, number

    columns = (
        Column("stream", cut=True),
        Column("first slot"),
        Column("last slot", spare=True),
        Column("count", numeric=True),
        Column("reason", spare=True),
        Column("healed by"),
        Column("healed at", spare=True),
    )
    rows = [
        (
            each.stream,
            moment(each.first_slot),
            moment(each.last_slot),
            number(each.slots),
            each.reason,
            "open" if each.healed_by is None else f"run {each.healed_by}",
            moment(each.healed_at),
        )
        for each in found
    ]
    show(columns, rows, options)
    still_open = sum(each.slots for each in found if each.healed_by is None)
    if still_open > 0:
        note(f"{number(still_open)} open: the next poll that reads to its end heals them", options)
