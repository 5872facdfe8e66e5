"""``poller dead-letters replay``: reads letters again by today's settings and merges what can be read."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from typer import Context, Exit

from poller.cli.arguments import Json
from poller.cli.letters_meant import DryRun, Everything, Numbers, OfReason, OfStream, Wanted, selected
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from poller.bootstrap import House
    from poller.cli.asking import Undone
    from poller.config import Settings
    from poller.core.model import Stream
    from poller.core.replay import Replayed
    from poller.store.database import Database


def replay(
    context: Context,
    numbers: Numbers = None,
    stream: OfStream = None,
    reason: OfReason = None,
    everything: Everything = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Read dead letters again, by today's settings and today's program.

    What can be mirrored now is merged as if it had come then, so that a newer version is never
    replaced, and its letter closes; the others stay open with today's reason. No API is asked,
    and no watermark moves. Exit 1 when any stays open.
    """
    from poller.cli import logs
    from poller.cli.opening import housed, reading, settings_of, stopped_by_signals

    options = options_of(context)
    logs.set_up(options, logging.CRITICAL)
    settings = settings_of(options)
    wanted = Wanted(numbers or (), stream, reason, everything)
    with reading(settings) as database:
        letters = selected(database, settings, wanted)
        works = _of_settings(settings, letters, options)
        outcomes = [_foreseen(database, each, letters[str(each)]) for each in works] if dry_run else []
    interrupted = False
    if works and not dry_run:
        with housed(settings, options) as house, stopped_by_signals(house.stop):
            outcomes = _replayed(house, works, letters, options)
            interrupted = house.stop.is_set()
    _say(outcomes, options, as_json=as_json, dry_run=dry_run)
    complete = all(each.error is None and not each.still for each in outcomes) and len(works) == len(letters)
    raise Exit(_code(complete=complete, interrupted=interrupted))


def as_row(outcome: Replayed, word: str | None = None) -> dict[str, Any]:
    """One line of ``dead-letters replay --json``; ``word`` stands for the outcome of what was not done."""
    done = outcome.done
    return {
        "stream": outcome.stream,
        "run": outcome.run_id,
        "outcome": word or outcome.outcome.value,
        "letters": outcome.letters,
        "closed": outcome.closed,
        "open": sum(outcome.still.values()),
        "inserted": done.inserted,
        "updated": done.updated,
        "unchanged": done.unchanged,
        "deleted": done.deleted,
        "refused": done.refused,
        "reasons": dict(outcome.still),
        "error": outcome.error,
        "hint": outcome.hint,
    }


REPLAY_KEYS = {
    "stream": "`source.stream`",
    "run": "number of the run; null when it was not begun",
    "outcome": "`ok`, `failed` or `stopped`; `dry-run` when only counted",
    "letters": "that were to be read again",
    "closed": "of these, mirrored by now, or held in a newer version; readable ones in a dry run",
    "open": "of these, still not to be mirrored",
    **dict.fromkeys(("inserted", "updated", "unchanged", "deleted", "refused"), "as in `once`"),
    "reasons": "reason → how many letters stay open for it",
    "error": "in words",
    "hint": "the next step",
}


def _of_settings(settings: Settings, names: Mapping[str, Any], options: Options) -> list[Stream]:
    """The streams that the settings have; of the others it is said that nobody can read their letters."""
    from poller.cli.opening import streams_by_name
    from poller.cli.screen import note, warn

    if not names:
        note("no open dead letters", options)
    known = streams_by_name(settings)
    for name in names:
        if name not in known:
            warn(f"{name}: the settings have no such stream any more, so its letters cannot be read")
    return [known[name] for name in names if name in known]


def _foreseen(database: Database, stream: Stream, numbers: Sequence[int]) -> Replayed:
    """What a replay would come to: how many letters can be read by now."""
    from collections import Counter

    from poller.core.replay import Replayed, reread
    from poller.core.runs import Outcome
    from poller.store.replay import LetterBox

    again = [reread(stream, letter) for letter in LetterBox(database).kept(str(stream), numbers)]
    still = Counter(each.still.reason for each in again if each.still is not None)
    readable = len(again) - sum(still.values())
    return Replayed(str(stream), None, Outcome.OK, len(again), readable, still=dict(still))


def _replayed(
    house: House, streams: Sequence[Stream], letters: Mapping[str, Sequence[int]], options: Options
) -> list[Replayed]:
    from poller.cli.asking import Work, carried_out
    from poller.core.command import CommandKind
    from poller.core.replay import Replayed
    from poller.engine.replay import Replayer

    replayer = Replayer(house.runner(), house.letters)
    works = [
        Work(
            str(each),
            CommandKind.REPLAY,
            {"letters": letters[str(each)]},
            partial(replayer.replay, each, letters[str(each)]),
            Replayed.read,
        )
        for each in streams
    ]
    found = carried_out(house, works, options)
    return [_outcome(name, found[name], len(letters[name])) for name in map(str, streams)]


def _outcome(name: str, outcome: Replayed | Undone, count: int) -> Replayed:
    from poller.core.replay import Replayed
    from poller.core.runs import Outcome

    if isinstance(outcome, Replayed):
        return outcome
    how = Outcome.STOPPED if outcome.withdrawn else Outcome.FAILED
    return replace(Replayed(name, None, how, count), error=outcome.error, hint=outcome.hint)


def _say(outcomes: Sequence[Replayed], options: Options, *, as_json: bool, dry_run: bool) -> None:
    import sys

    from poller.cli.logs import REDACTOR
    from poller.cli.screen import json_lines, note
    from poller.cli.words import named

    if as_json:
        json_lines(as_row(each, "dry-run" if dry_run else None) for each in outcomes)
    elif outcomes:
        _show(outcomes, options, dry_run=dry_run)
    for each in outcomes:
        if each.error is not None:
            hint = "" if each.hint is None else f"\nhint: {each.hint}"
            print(REDACTOR.clean(f"error: {named(each.stream, each.error)}{hint}"), file=sys.stderr)
        elif each.still:
            reasons = ", ".join(f"{count} {reason}" for reason, count in each.still.items())
            note(f"{each.stream}: still no records: {reasons}", options)
    if dry_run:
        note("nothing was changed (--dry-run)", options)


def _show(outcomes: Sequence[Replayed], options: Options, *, dry_run: bool) -> None:
    from poller.cli.screen import Column, show
    from poller.cli.words import number

    columns = (
        Column("stream", cut=True),
        Column("outcome", coloured=True),
        Column("letters", numeric=True),
        Column("readable" if dry_run else "closed", numeric=True),
        Column("open", numeric=True),
        Column("inserted", numeric=True),
        Column("updated", numeric=True),
        Column("held already", numeric=True, spare=True),
        Column("deleted", numeric=True, spare=True),
    )
    rows = [
        (
            each.stream,
            "dry-run" if dry_run else each.outcome.value,
            number(each.letters),
            number(each.closed),
            number(sum(each.still.values())),
            number(each.done.inserted),
            number(each.done.updated),
            number(each.done.unchanged + each.done.refused),
            number(each.done.deleted),
        )
        for each in outcomes
    ]
    show(columns, rows, options)


def _code(*, complete: bool, interrupted: bool) -> int:
    from poller.cli.failures import FAILED, INTERRUPTED

    if interrupted:
        return INTERRUPTED
    return 0 if complete else FAILED
