"""Moves a watermark by hand: shows what that means, asks, and has it done by whoever owns the source."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typer import Context, Exit

from poller.cli.moves import Target, Wish, ask, on_record, skipped, told
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from poller.core.command import Move
    from poller.core.model import Stream
    from poller.store.database import Database
    from poller.store.views_streams import StreamView

LOOK = 0.5
"""Seconds between two looks whether a run has ended."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How it is to be done, and why."""

    wait: bool
    dry_run: bool
    yes: bool
    why: str


def carry_out(
    context: Context,
    word: str,
    wish: Wish,
    intended: Callable[[Wish, StreamView, Stream], Target],
    terms: Terms,
) -> None:
    """Move the watermark of the stream that ``word`` means to where ``wish`` leads."""
    from poller.cli.names import one
    from poller.cli.opening import reading, settings_of, stopped_by_signals, streams_by_name
    from poller.cli.screen import note, warn
    from poller.cli.who import who
    from poller.core.command import Move
    from poller.store.views_streams import stream_view

    options = options_of(context)
    settings = settings_of(options)
    known = streams_by_name(settings)
    name = one(word, list(known))
    with reading(settings) as database:
        view = stream_view(database, name)
        target = intended(wish, view, known[name])
        print(told(database, view, known[name], target))
        left_out = skipped(view, target)
        if left_out is not None:
            warn(f"{left_out} is skipped: no poll will ever read it")
        if terms.dry_run:
            note("nothing was changed (--dry-run)", options)
            return
        if not terms.yes:
            ask(f"Move the watermark of {name}?")
        why = on_record(terms.why, view, known[name], target)
        stop = threading.Event()
        with stopped_by_signals(stop):
            epoch = _moved(database, Move(name, target.at, target.text, who(), why), terms, options, stop)
    note(
        f"done (epoch {epoch}); the next poll of {name} reads from there, by itself under `poller run`",
        options,
    )


def _moved(database: Database, move: Move, terms: Terms, options: Options, stop: threading.Event) -> int:
    """The stream's new epoch. An owner that does not do it is no hindrance: the fence stops its run."""
    from poller.bootstrap import ourselves
    from poller.cli.asking import Undone, Work, answered
    from poller.cli.failures import INTERRUPTED
    from poller.cli.names import source_of
    from poller.cli.screen import note
    from poller.core.command import CommandKind
    from poller.store.commands import present
    from poller.store.streams import move_watermark

    us = ourselves()
    if present(database, source_of(move.stream), us) is not None:
        arguments = {**move.written(), "wait": terms.wait}
        work = Work(move.stream, CommandKind.MOVE, arguments, lambda: 0, lambda result: int(result["epoch"]))
        outcome = answered(database, us, [work], stop).get(move.stream)
        if isinstance(outcome, int):
            return outcome
        if isinstance(outcome, Undone):
            note(outcome.told(move.stream), options)
            if outcome.withdrawn:
                raise Exit(INTERRUPTED)
            note("it is done from here instead", options)
    if terms.wait:
        _let_it_finish(database, move.stream, stop)
    if stop.is_set():
        note("nothing was changed", options)
        raise Exit(INTERRUPTED)
    return move_watermark(database, move)


def _let_it_finish(database: Database, stream: str, stop: threading.Event) -> None:
    from poller.store.views import open_runs

    while any(run.stream == stream for run in open_runs(database)) and not stop.wait(LOOK):
        pass
