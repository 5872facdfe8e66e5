"""``poller status``: how each stream is doing, from what is in the database; no daemon is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Exit, Option

from poller.cli.arguments import Json, Streams
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poller.config import Settings
    from poller.core.health import Health
    from poller.store.usage import UsageView
    from poller.store.views_streams import StreamView


@dataclass(frozen=True, slots=True)
class Standing:
    """One stream as it stands; ``health`` None: the settings no longer have it; ``usage`` None: its
    source never said how much of its quota is used.
    """

    view: StreamView
    health: Health | None
    next_slot: datetime | None
    usage: UsageView | None = None

    @property
    def source(self) -> str:
        return self.view.name.partition(".")[0]

    @property
    def state(self) -> str:
        return "removed" if self.health is None else self.health.state.value


def status(
    context: Context,
    streams: Streams = None,
    check: Annotated[bool, Option("--check", help="Fail when a stream is late, down or blocked.")] = False,
    as_json: Json = False,
) -> None:
    """Show how each stream is doing: its state, how far it is complete, what was missed.

    States: new, ok, late, down, paused, healing, blocked. They come from progress against the
    schedule, never from a process being alive: the database alone is read, so this also works
    when no daemon runs.
    """
    from poller.cli import screen
    from poller.cli.names import chosen
    from poller.cli.opening import reading, settings_of, stream_names
    from poller.store.usage import usage_views
    from poller.store.views_streams import stream_views

    options = options_of(context)
    settings = settings_of(options)
    now = datetime.now(UTC)
    with reading(settings) as database:
        known = stream_names(settings, database)
        names = chosen(streams or [], known)
        views = {view.name: view for view in stream_views(database, names)}
        usage = {each.source: each for each in usage_views(database)}
    found = [standing(settings, views[name], now) for name in names if name in views]
    found = [replace(each, usage=usage.get(each.source)) for each in found]
    if as_json:
        screen.json_lines(as_row(each, now) for each in found)
    else:
        _show(found, now, options)
    for name in names:
        if name not in views:
            screen.note(f"{name}: in the settings, and never polled yet", options)
    if check and any(_is_unhealthy(each) for each in found):
        raise Exit(3)


def standing(settings: Settings, view: StreamView, now: datetime) -> Standing:
    """The state of one stream at ``now``."""
    from poller.core.fingerprint import describe_change, fingerprint
    from poller.core.health import judge
    from poller.store.views_streams import facts

    found = [
        (source, stream)
        for source in settings.sources
        for stream in source.streams
        if str(stream) == view.name
    ]
    if not found:
        return Standing(view, None, None)
    source, stream = found[0]
    meaning = fingerprint(source, stream)
    changed = view.fingerprint is not None and view.fingerprint != meaning
    blocked = (
        f"its settings changed ({describe_change(view.fingerprint or '', meaning)})" if changed else None
    )
    return Standing(view, judge(facts(view, stream, now, blocked), now), stream.schedule.next(now))


def as_row(found: Standing, now: datetime) -> dict[str, Any]:
    """One line of ``poller status --json``."""
    from poller.cli.words import json_moment, json_position

    view = found.view
    return {
        "stream": view.name,
        "table": view.table,
        "state": found.state,
        "because": None if found.health is None else found.health.because,
        "watermark": json_position(view.watermark),
        "complete_through": json_position(view.complete_through),
        "lag_seconds": _lag(view, now),
        "last_success": json_moment(view.last_success),
        "last_outcome": view.last_outcome,
        "last_error": view.last_error,
        "next_slot": json_moment(found.next_slot),
        "missed_open": view.open_missed,
        "dead_letters_open": view.open_letters,
        "rows": view.rows,
        "seq": view.seq,
        "scan_pages": view.scan_pages,
        "scan_rows": view.scan_rows,
        "usage_used": None if found.usage is None else found.usage.used,
        "usage_limit": None if found.usage is None else found.usage.limit,
        "usage_at": None if found.usage is None else json_moment(found.usage.at),
    }


EXIT_CODES = {"status": {3: "with --check: a stream is late, down or blocked"}}
JSON_KEYS = {
    "status": {
        "stream": "`source.stream`",
        "table": "of the mirror",
        "state": "`new`, `ok`, `late`, `down`, `paused`, `healing`, `blocked`; `removed` from the settings",
        "because": "the reason for the state, in words",
        "watermark": "position",
        "complete_through": "position up to which the mirror is known to be whole",
        "lag_seconds": "now less `complete_through`",
        "last_success": "when a poll last ended well",
        "last_outcome": "of the newest run that has ended",
        "last_error": "of that run",
        "next_slot": "when the schedule next asks for a poll",
        "missed_open": "missed slots that no run has healed yet",
        "dead_letters_open": "dead letters that no newer version has closed",
        "rows": "in the mirror, without deleted ones",
        "seq": "number of the last change",
        "scan_pages": "pages of an unfinished scan; null when there is none",
        "scan_rows": "rows of it",
        "usage_used": "of the source's quota, as its `usage_headers` last said; null when they never did",
        "usage_limit": "how much there is of it",
        "usage_at": "when they last said so",
    }
}


def _lag(view: StreamView, now: datetime) -> float | None:
    """Seconds since the moment up to which the mirror is known to be whole; None before that is known."""
    from poller.core.position import to_datetime

    through = view.complete_through
    return None if through is None else round(max((now - to_datetime(through)).total_seconds(), 0.0), 3)


def _is_unhealthy(found: Standing) -> bool:
    from poller.core.health import UNHEALTHY

    return found.health is not None and found.health.state in UNHEALTHY


def _show(found: Sequence[Standing], now: datetime, options: Options) -> None:
    from datetime import timedelta

    from poller.cli.screen import Column, show
    from poller.cli.words import NOTHING, ago, ahead, number, position, span

    columns = (
        Column("stream", cut=True),
        Column("state", coloured=True),
        Column("complete through"),
        Column("lag", spare=True),
        Column("last success", spare=True),
        Column("next", spare=True),
        Column("missed", numeric=True),
        Column("dead", numeric=True),
        Column("rows", numeric=True),
    )
    rows = []
    for each in found:
        view, lag = each.view, _lag(each.view, now)
        rows.append(
            (
                view.name,
                each.state,
                position(view.complete_through),
                NOTHING if lag is None else span(timedelta(seconds=lag)),
                ago(view.last_success, now),
                ahead(each.next_slot, now),
                number(view.open_missed),
                number(view.open_letters),
                number(view.rows),
            )
        )
    if rows:
        show(columns, rows, options)
    for each in found:
        if each.health is not None and each.state not in ("ok", "new"):
            print(f"{each.view.name} is {each.state}: {each.health.because}{_error(each)}")
    for line in dict.fromkeys(_usage_line(each.usage, now) for each in found if each.usage is not None):
        print(line)


def _error(found: Standing) -> str:
    """Why the newest run failed, behind the reason for the state."""
    if not found.view.last_error or found.state in ("paused", "blocked"):
        return ""
    return f"{': ' if found.state == 'down' else '; the last run failed: '}{found.view.last_error}"


def _usage_line(usage: UsageView, now: datetime) -> str:
    """What a source last said of its quota."""
    from poller.cli.words import ago

    used = "an unknown part" if usage.used is None else f"{usage.used:,.15g}"
    limit = "" if usage.limit is None else f" of {usage.limit:,.15g}"
    return f"{usage.source} has used {used}{limit} of its quota, as it said {ago(usage.at, now)}"
