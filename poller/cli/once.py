"""``poller once``: one poll of each stream, now, and one line for each about what came of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from typer import Context, Exit

from poller.cli.arguments import Json, Streams
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from poller.bootstrap import House
    from poller.cli.asking import Undone
    from poller.core.model import Stream
    from poller.core.runs import Report


def once(context: Context, streams: Streams = None, as_json: Json = False) -> None:
    """Poll streams once, now, and say what came of it.

    While a daemon holds a source, it does the work, behind a poll that is under way, and is
    followed here. Ctrl-C finishes the page in hand and exits with 130; the next poll goes on from
    there. What a daemon has begun goes on there. A second Ctrl-C exits at once, as safely.
    """
    from poller.cli import logs
    from poller.cli.names import chosen
    from poller.cli.opening import housed, settings_of, stopped_by_signals, streams_by_name
    from poller.cli.refusals import warn_of_refusals
    from poller.cli.screen import json_lines, note

    options = options_of(context)
    logs.set_up(options, logging.CRITICAL)  # the reports below say what went wrong, and say it once
    settings = settings_of(options)
    known = streams_by_name(settings)
    wanted = [known[name] for name in chosen(streams or [], list(known))]
    warn_of_refusals(wanted)
    with housed(settings, options) as house, stopped_by_signals(house.stop):
        found = _poll(house, wanted, options)
        stopped = house.stop.is_set()
        house.tidy()
    reports = _reports(found, options)
    if as_json:
        json_lines(map(as_row, reports))
    elif reports:
        _show(reports, options)
    elif not wanted:
        note("the settings have no streams, so nothing was polled", options)
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


EXIT_CODES = {"once": {1: "a poll failed", 4: "an API refused the credential, or a secret cannot be read"}}
JSON_KEYS = {
    "once": {
        "stream": "`source.stream`",
        "run": "number of the run; null when it was not begun",
        "outcome": "`ok`, `partial`, `failed` or `stopped`",
        "rows": "records read, again or not",
        "inserted": "new records",
        "updated": "records with other content",
        "unchanged": "records that were written nowhere",
        "deleted": "records that became tombstones",
        "refused": "versions older than the one that the mirror holds",
        "dead": "records that went to the dead letters",
        "late": "new or changed records that the lookback alone found",
        "requests": "HTTP requests, repeated ones too",
        "watermark_before": "position, or token",
        "watermark_after": "position, or token",
        "category": "why it failed; null when it did not, or not because of the API",
        "error": "in words",
        "hint": "the next step",
    }
}


def _poll(house: House, wanted: Sequence[Stream], options: Options) -> dict[str, Report | Undone]:
    from functools import partial

    from poller.cli.asking import Work, carried_out
    from poller.core.command import CommandKind, read_report
    from poller.core.runs import RunKind

    poll = house.runner().poll
    works = [
        Work(str(stream), CommandKind.ONCE, {}, partial(poll, stream, RunKind.MANUAL), read_report)
        for stream in wanted
    ]
    found = carried_out(house, works, options)
    return {str(stream): found[str(stream)] for stream in wanted}


def _reports(found: Mapping[str, Report | Undone], options: Options) -> list[Report]:
    """What came of each stream. What we left to a daemon when we were interrupted has no report here."""
    from poller.cli.screen import note
    from poller.core.runs import Outcome, Report
    from poller.core.steps import Committed

    reports = []
    for name, outcome in found.items():
        if isinstance(outcome, Report):
            reports.append(outcome)
        elif outcome.withdrawn:
            note(outcome.told(name), options)
        else:
            failed = Report(name, None, Outcome.FAILED, Committed(), 0, 0, None, None)
            reports.append(replace(failed, error=outcome.error, hint=outcome.hint))
    return reports


def _show(reports: Sequence[Report], options: Options) -> None:
    from poller.cli.screen import Column, show
    from poller.cli.words import number, position

    columns = (
        Column("stream", cut=True),
        Column("outcome", coloured=True),
        Column("rows", numeric=True),
        Column("inserted", numeric=True),
        Column("updated", numeric=True),
        Column("unchanged", numeric=True, spare=True),
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
    stopped = stopped or any(each.outcome is Outcome.STOPPED for each in reports)
    return INTERRUPTED if stopped else 0
