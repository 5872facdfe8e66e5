"""``poller once``: one poll of each stream, now, and one line for each about what came of it."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from typer import Context, Exit

from poller.cli.arguments import Json, Streams
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from poller.bootstrap import House
    from poller.core.model import Stream
    from poller.core.runs import Report


def once(context: Context, streams: Streams = None, as_json: Json = False) -> None:
    """Poll streams once, now, and say what came of it.

    Ctrl-C finishes the page in hand and exits with 130; the next poll goes on from there. A
    second Ctrl-C exits at once, as safely.
    """
    from poller.cli import logs
    from poller.cli.names import chosen
    from poller.cli.opening import housed, settings_of, streams_by_name
    from poller.cli.refusals import warn_of_refusals
    from poller.cli.screen import json_lines

    options = options_of(context)
    logs.set_up(options, logging.CRITICAL)  # the reports below say what went wrong, and say it once
    settings = settings_of(options)
    known = streams_by_name(settings)
    wanted = [known[name] for name in chosen(streams or [], list(known))]
    warn_of_refusals(wanted)
    with housed(settings, options) as house, _stopped_by_signals(house):
        reports = _poll(house, wanted, options)
        stopped = house.stop.is_set()
    if as_json:
        json_lines(map(as_row, reports))
    else:
        _show(reports, options)
    _explain(reports, options)
    raise Exit(_code(reports, stopped=stopped))


def as_row(report: Report) -> dict[str, Any]:
    """One line of ``poller once --json``."""
    from poller.cli.words import json_position

    done = report.done
    return {
        "stream": report.stream,
        "run": report.run_id,
        "outcome": report.outcome.value,
        "rows": report.rows,
        "inserted": done.inserted,
        "updated": done.updated,
        "unchanged": done.unchanged,
        "deleted": done.deleted,
        "refused": done.refused,
        "dead": done.dead,
        "late": done.late,
        "requests": report.requests,
        "watermark_before": json_position(report.before),
        "watermark_after": json_position(report.after),
        "category": None if report.category is None else report.category.value,
        "error": report.error,
        "hint": report.hint,
    }


@contextmanager
def _stopped_by_signals(house: House) -> Iterator[None]:
    """SIGINT and SIGTERM stop the house; the second one ends the process, which loses nothing that counts."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if house.stop.is_set():
            os._exit(128 + number)
        house.stop.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _poll(house: House, wanted: Sequence[Stream], options: Options) -> list[Report]:
    from poller.cli.progress import shown
    from poller.core.runs import RunKind

    if not wanted:
        return []
    sources = list(dict.fromkeys(stream.source for stream in wanted))
    workers = min(house.workers, len(wanted))
    with house.leased(sources), ThreadPoolExecutor(workers, thread_name_prefix="poll") as pool:
        runner = house.runner()
        under_way = [pool.submit(runner.poll, stream, RunKind.MANUAL) for stream in wanted]
        shown(house.database, under_way, options)
        return [each.result() for each in under_way]


def _show(reports: Sequence[Report], options: Options) -> None:
    from poller.cli.screen import Column, note, show
    from poller.cli.words import number, position

    if not reports:
        note("the settings have no streams, so nothing was polled", options)
        return
    columns = (
        Column("stream", cut=True),
        Column("outcome", coloured=True),
        Column("rows", numeric=True),
        Column("inserted", numeric=True),
        Column("updated", numeric=True),
        Column("unchanged", numeric=True),
        Column("deleted", numeric=True, spare=True),
        Column("dead", numeric=True),
        Column("requests", numeric=True, spare=True),
        Column("watermark", spare=True),
    )
    rows = [
        (
            each.stream,
            each.outcome.value if each.run_id is not None else "refused",
            number(each.rows),
            number(each.done.inserted),
            number(each.done.updated),
            number(each.done.unchanged),
            number(each.done.deleted),
            number(each.done.dead),
            number(each.requests),
            position(each.after)
            if each.before == each.after
            else f"{position(each.before)} → {position(each.after)}",
        )
        for each in reports
    ]
    show(columns, rows, options)


def _explain(reports: Sequence[Report], options: Options) -> None:
    """Every failure with its next step, and what else is not plain success."""
    import sys

    from poller.cli.logs import REDACTOR
    from poller.cli.screen import note
    from poller.cli.words import named

    for each in reports:
        if each.error is not None:
            hint = "" if each.hint is None else f"\nhint: {each.hint}"
            print(REDACTOR.clean(f"error: {named(each.stream, each.error)}{hint}"), file=sys.stderr)
        elif each.outcome.value == "partial":
            note(f"{each.stream}: the budget was used up; the next poll goes on from here", options)
        elif each.outcome.value == "stopped":
            note(
                f"{each.stream}: stopped; the page in hand was committed, the next poll goes on from here",
                options,
            )
        if each.done.dead > 0:
            note(f"{each.stream}: see `poller dead-letters list {each.stream}`", options)


def _code(reports: Sequence[Report], *, stopped: bool) -> int:
    from poller.cli.failures import INTERRUPTED, code_of_categories
    from poller.core.runs import Outcome

    failed = [each.category for each in reports if each.outcome in (Outcome.FAILED, Outcome.KILLED)]
    if failed:
        return code_of_categories(failed)
    return INTERRUPTED if stopped else 0
