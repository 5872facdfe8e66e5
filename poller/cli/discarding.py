"""``poller dead-letters discard``: closes letters that nobody will mirror."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Option

from poller.cli.arguments import Json
from poller.cli.letters_meant import DryRun, Everything, Numbers, OfReason, OfStream, Wanted, selected
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from poller.store.database import Database


def discard(
    context: Context,
    numbers: Numbers = None,
    stream: OfStream = None,
    reason: OfReason = None,
    everything: Everything = False,
    dry_run: DryRun = False,
    yes: Annotated[bool, Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Close dead letters that nobody will mirror; their bytes are kept.

    The very same bytes do not open the letter again; another version of the record makes one of
    its own.
    """
    from poller.cli.moves import ask
    from poller.cli.opening import reading, settings_of
    from poller.cli.screen import json_lines, note
    from poller.cli.words import counted

    options = options_of(context)
    settings = settings_of(options)
    with reading(settings) as database:
        letters = selected(database, settings, Wanted(numbers or (), stream, reason, everything))
        total = sum(map(len, letters.values()))
        if not letters:
            note("no open dead letters", options)
            return
        if dry_run:
            rows = [_row(name, len(found)) for name, found in letters.items()]
        else:
            if not yes:
                ask(f"Discard {counted(total, 'dead letter')} of {', '.join(letters)}?")
            rows = _discarded(database, letters, options)
    if as_json:
        json_lines(rows)
    else:
        would = "would be " if dry_run else ""
        for row in rows:
            print(f"{row['stream']}: {counted(row['discarded'], 'dead letter')} {would}discarded")


DISCARD_KEYS = {"stream": "`source.stream`", "discarded": "letters that are closed by it"}


def _discarded(
    database: Database, letters: Mapping[str, Sequence[int]], options: Options
) -> list[dict[str, Any]]:
    """By the owner where there is one; an owner that does not do it is no hindrance."""
    import threading

    from poller.bootstrap import ourselves, utc_now
    from poller.cli.asking import Undone, Work, answered
    from poller.cli.names import source_of
    from poller.cli.opening import stopped_by_signals
    from poller.cli.screen import note
    from poller.core.command import CommandKind
    from poller.store.commands import present
    from poller.store.replay import LetterBox

    us, stop, box = ourselves(), threading.Event(), LetterBox(database)
    works = [
        Work(name, CommandKind.DISCARD, {"letters": numbers}, lambda: 0, lambda said: int(said["discarded"]))
        for name, numbers in letters.items()
        if present(database, source_of(name), us) is not None
    ]
    with stopped_by_signals(stop):
        found = answered(database, us, works, stop)
    rows = []
    for name, numbers in letters.items():
        outcome = found.get(name)
        if isinstance(outcome, Undone):
            note(outcome.told(name), options)
        if not isinstance(outcome, int) and not stop.is_set():
            outcome = box.discard(name, numbers, utc_now())
        rows.append(_row(name, outcome if isinstance(outcome, int) else 0))
    return rows


def _row(stream: str, count: int) -> dict[str, Any]:
    return {"stream": stream, "discarded": count}
