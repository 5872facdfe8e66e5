"""Where a watermark that is moved by hand may go, and what that will cost."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poller.cli.failures import UsageError

if TYPE_CHECKING:
    from poller.core.model import Stream
    from poller.store.database import Database
    from poller.store.views_streams import StreamView


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for; exactly one of the three must be given."""

    to: str | None
    back: str | None
    start: bool


def intended(wish: Wish, view: StreamView, stream: Stream) -> int | None:
    """The new watermark; None is the start. Raises UsageError for what is no place, or lies ahead."""
    if [wish.to is not None, wish.back is not None, wish.start].count(True) != 1:
        raise UsageError(
            "say where to: exactly one of --to, --back and --start", hint="for example --back 7d"
        )
    if wish.start:
        return None
    target = _named(wish.to, stream) if wish.to is not None else _back_by(wish.back or "", view)
    if view.watermark is None:
        raise UsageError(
            f"{view.name} has no watermark yet, so its next poll reads everything from the start",
            hint='to begin later than that, set start = "…" in its since',
        )
    if target > view.watermark:
        raise _forward(target, view)
    return target


def told(database: Database, view: StreamView, stream: Stream, target: int | None) -> str:
    """Old and new, and what the next poll will read, as far as the mirror can tell."""
    from poller.cli.words import counted, position
    from poller.store.views_streams import rows_from

    rows = rows_from(database, view.table, target)
    pages = -(-rows // stream.pager.size)
    new = "the start" if target is None else position(target)
    old = "none yet" if view.watermark is None else position(view.watermark)
    return (
        f"stream    {view.name}\n"
        f"old       {old}\n"
        f"new       {new}\n"
        f"to read   about {counted(rows, 'row')} that the mirror has from there on, in "
        f"{counted(max(pages, 1), 'request')}"
    )


def ask(question: str) -> None:
    """Return when the answer is yes. Raises UsageError when it is no, or when nobody can be asked."""
    if not sys.stdin.isatty():
        raise UsageError(
            "nobody is there to be asked", hint="--yes does it without asking, --dry-run only shows it"
        )
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was changed")


def _named(text: str, stream: Stream) -> int:
    from poller.core.position import TimeFormat, parse

    how = stream.since.how if stream.since is not None else TimeFormat()
    found = parse(text, TimeFormat("rfc3339", how.zone))
    if found is None:
        raise UsageError(f"--to {text!r} is no time", hint="write it as 2026-11-01T00:00:00Z, or 2026-11-01")
    return found


def _back_by(text: str, view: StreamView) -> int:
    from poller.core.duration import parse_duration
    from poller.core.position import canonical, nanoseconds

    try:
        length = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--back: {error}") from None
    target = (view.watermark or 0) - nanoseconds(length)
    try:
        canonical(target)
    except ValueError:
        raise UsageError(f"--back {text} leads before the year 1", hint="--start reads everything") from None
    return target


def _forward(target: int, view: StreamView) -> UsageError:
    from poller.cli.words import position

    return UsageError(
        f"{position(target)} lies ahead of the watermark {position(view.watermark)}: "
        "what changed between the two would never be read",
        hint="move it back, or leave it: polling moves it forward",
    )
