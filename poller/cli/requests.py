"""``poller requests``: every HTTP attempt, what came back, and its curl line for a vendor's support."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Option

from poller.cli.arguments import Json, Limit, Streams
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from poller.store.views_requests import RequestView, Sieve

_STATUS = re.compile(r"([1-5])xx|([1-5]\d\d)", re.IGNORECASE)

Statuses = Annotated[
    list[str] | None,
    Option("--status", metavar="CODE", help="Such as 429, 5xx, or none for no answer; may be repeated."),
]
Since = Annotated[
    str | None, Option("--since", metavar="TIME", help="From this time on, 2026-11-01T00:00:00Z.")
]
Last = Annotated[str | None, Option("--last", metavar="SPAN", help="From so long ago on: 2h.")]
RequestId = Annotated[str | None, Option("--request-id", metavar="TEXT", help="What the API called it.")]
Slow = Annotated[str | None, Option("--slow", metavar="SPAN", help="That took at least so long: 2s.")]
Curl = Annotated[
    int | None, Option("--curl", metavar="ID", help="Write this one as a curl line without secrets.")
]


def requests(  # noqa: PLR0913, PLR0917 (one parameter per option)
    context: Context,
    streams: Streams = None,
    failed: Annotated[bool, Option("--failed", help="Only those without a good answer.")] = False,
    status: Statuses = None,
    since: Since = None,
    last: Last = None,
    run: Annotated[int | None, Option("--run", metavar="N", help="Of this run.")] = None,
    request_id: RequestId = None,
    slow: Slow = None,
    curl: Curl = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List HTTP requests, repeated ones too, the newest last; no secret is in any of them.

    With --curl, one is written as a command line that can be sent to a vendor's support: secrets
    are written as `***`, and have to be filled in before it runs.
    """
    from poller.cli import screen
    from poller.cli.curl_line import show_curl
    from poller.cli.names import chosen
    from poller.cli.opening import reading, settings_of, stream_names
    from poller.store.views_requests import request_views

    options = options_of(context)
    settings = settings_of(options)
    sieve = _sieve(status or [], _from(since, last), slow, failed=failed, run=run, request_id=request_id)
    with reading(settings) as database:
        if curl is not None:
            show_curl(database, settings, curl, options)
            return
        names = chosen(streams or [], stream_names(settings, database))
        found = request_views(database, names, sieve, limit)
    if as_json:
        screen.json_lines(map(as_row, found))
    elif found:
        _show(found, options)
    else:
        screen.note("no such requests; older ones may have been pruned", options)


def as_row(view: RequestView) -> dict[str, Any]:
    """One line of ``poller requests --json``."""
    from poller.cli.words import json_moment

    row = {name: getattr(view, name) for name in view.__dataclass_fields__}
    return {**row, "sent_at": json_moment(view.sent_at)}


JSON_KEYS = {
    "requests": {
        "id": "number",
        "sent_at": "moment, by our clock",
        "stream": "`source.stream`",
        "run": "number of the run",
        "method": "`GET`, `POST`, …",
        "url": "without secrets",
        "status": "of the answer; null when none came",
        "duration": "seconds",
        "bytes_received": "on the wire",
        "attempt": "1 for the first, 2 for the first repetition, …",
        "request_id": "what the API called it",
        "error": "why there is no good answer; null when a whole one was read",
    }
}


def _sieve(
    statuses: Sequence[str],
    since: datetime | None,
    slow: str | None,
    *,
    failed: bool,
    run: int | None,
    request_id: str | None,
) -> Sieve:
    from poller.store.views_requests import Sieve

    spans = tuple(_span(word) for word in statuses if word.lower() != "none")
    return Sieve(
        failed=failed,
        statuses=spans,
        unanswered=len(spans) < len(statuses),
        since=since,
        run=run,
        request_id=request_id,
        slower_than=None if slow is None else _length("--slow", slow).total_seconds(),
    )


def _span(word: str) -> tuple[int, int]:
    from poller.cli.failures import UsageError

    found = _STATUS.fullmatch(word)
    if found is None:
        raise UsageError(f"--status {word!r} is no status", hint="write 429, 5xx, or none")
    if found[1] is not None:
        return int(found[1]) * 100, int(found[1]) * 100 + 99
    return int(found[2]), int(found[2])


def _from(since: str | None, last: str | None) -> datetime | None:
    """From when on; None: from the beginning."""
    from datetime import UTC, datetime

    from poller.cli.failures import UsageError
    from poller.core.position import TimeFormat, parse, to_datetime

    if since is not None and last is not None:
        raise UsageError("--since and --last contradict each other: give one of them")
    if last is not None:
        return datetime.now(UTC) - _length("--last", last)
    if since is None:
        return None
    found = parse(since, TimeFormat())
    if found is None:
        raise UsageError(f"--since {since!r} is no time", hint="write it as 2026-11-01T00:00:00Z")
    return to_datetime(found)


def _length(option: str, text: str) -> timedelta:
    from poller.cli.failures import UsageError
    from poller.core.duration import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _show(found: Sequence[RequestView], options: Options) -> None:
    from poller.cli.screen import Column, show
    from poller.cli.words import NOTHING, moment, number

    columns = (
        Column("id", numeric=True),
        Column("sent", spare=True),
        Column("stream", cut=True),
        Column("run", numeric=True, spare=True),
        Column("status", numeric=True),
        Column("took", numeric=True, spare=True),
        Column("bytes", numeric=True, spare=True),
        Column("attempt", numeric=True, spare=True),
        Column("request", cut=True, least=36),
        Column("request id", cut=True, spare=True),
        Column("error", cut=True),
    )
    rows = [
        (
            str(each.id),
            moment(each.sent_at),
            each.stream,
            str(each.run),
            NOTHING if each.status is None else str(each.status),
            f"{each.duration:.3f}s",
            number(each.bytes_received),
            str(each.attempt),
            f"{each.method} {each.url}",
            each.request_id or NOTHING,
            each.error or NOTHING,
        )
        for each in found
    ]
    show(columns, rows, options)
