"""Where a watermark that is moved by hand may go, and what that will cost."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poller.cli.failures import UsageError

if TYPE_CHECKING:
    from poller.core.model import Kind, Stream
    from poller.core.position import Position
    from poller.store.database import Database
    from poller.store.views_streams import StreamView


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for; exactly one must be given."""

    to: str | None = None
    back: str | None = None
    start: bool = False
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where to. ``at`` and ``text`` None: the start; a token has a text and no position."""

    at: Position | None = None
    text: str | None = None

    @property
    def is_start(self) -> bool:
        return self.at is None and self.text is None


def earlier(wish: Wish, view: StreamView, stream: Stream) -> Target:
    """The place of a reset. Raises UsageError for what is no place, or lies ahead."""
    if [wish.to is not None, wish.back is not None, wish.start].count(True) != 1:
        raise UsageError(
            "say where to: exactly one of --to, --back and --start", hint="for example --back 7d"
        )
    if wish.start:
        return Target()
    _require_order(view, stream)
    target = _named(wish.to, stream) if wish.to is not None else _back_by(wish.back or "", view, stream)
    if view.watermark is None:
        raise UsageError(
            f"{view.name} has no watermark yet, so its next poll reads everything from the start",
            hint='to begin later than that, set start = "…" in its since',
        )
    if target > view.watermark:
        raise _forward(target, view)
    return _at(target)


def anywhere(wish: Wish, view: StreamView, stream: Stream) -> Target:
    """The place of ``watermark set``. Raises UsageError for what is no place of this stream."""
    if (wish.to is None) == (wish.token is None):
        raise UsageError("say where to: exactly one of --to and --token", hint=_fitting(stream))
    if _kind(stream) is None:
        raise UsageError(f"{view.name} has no since: every poll reads everything, whatever its watermark")
    if wish.token is not None:
        if not _is_token(stream):
            raise UsageError(f"{view.name} goes by positions, not by tokens", hint=_fitting(stream))
        return Target(text=wish.token)
    if _is_token(stream):
        raise UsageError(f"{view.name} goes by tokens, which nobody can count", hint=_fitting(stream))
    return _at(_named(wish.to or "", stream))


def skipped(view: StreamView, target: Target) -> str | None:
    """What moving there leaves unread, in words; None when nothing is known to be."""
    from poller.cli.words import position

    if target.at is None:
        later = "what changed between the two tokens (if the new one is the later)"
        return None if target.text is None else later
    if view.watermark is None:
        return f"everything before {position(target.at)}"
    if target.at <= view.watermark:
        return None
    return f"what changed between {position(view.watermark)} and {position(target.at)}"


def on_record(why: str, view: StreamView, stream: Stream, target: Target) -> str:
    """The reason that is kept: with what is skipped, and with the tokens, which are no positions."""
    if _is_token(stream):
        old = place(None, view.watermark_text) or "none yet"
        return f"{why}: {old} → {place(target.at, target.text) or 'the start'}"
    left_out = skipped(view, target)
    return why if left_out is None else f"{why} (skips {left_out})"


def told(database: Database, view: StreamView, stream: Stream, target: Target) -> str:
    """Old and new, and what the next poll will read, as far as the mirror can tell."""
    return (
        f"stream    {view.name}\n"
        f"old       {place(view.watermark, view.watermark_text) or 'none yet'}\n"
        f"new       {place(target.at, target.text) or 'the start'}\n"
        f"to read   {_cost(database, view, stream, target)}"
    )


def place(at: Position | None, text: str | None) -> str | None:
    """A watermark for people; None when there is none."""
    from poller.cli.words import position

    if at is not None:
        return position(at)
    return None if text is None else f"token {text}"


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


def _cost(database: Database, view: StreamView, stream: Stream, target: Target) -> str:
    from poller.cli.words import counted
    from poller.store.views_streams import rows_from

    if target.at is None and target.text is not None:
        return "whatever the API says has changed since that token"
    rows = rows_from(database, view.table, target.at)
    pages = -(-rows // stream.pager.size)
    return (
        f"about {counted(rows, 'row')} that the mirror has from there on, in "
        f"{counted(max(pages, 1), 'request')}"
    )


def _at(position: Position) -> Target:
    from poller.core.position import NUMBERS, canonical, is_number

    text = str(position - NUMBERS) if is_number(position) else canonical(position)
    return Target(position, text)


def _require_order(view: StreamView, stream: Stream) -> None:
    if _is_token(stream):
        raise UsageError(
            f"{view.name} goes by tokens, which have no before and after",
            hint="--start reads everything again; `poller watermark set --token TEXT` takes a token",
        )


def _named(text: str, stream: Stream) -> Position:
    from poller.core.position import TimeFormat, parse

    how = stream.since.how if stream.since is not None else TimeFormat()
    if how.format == "integer":
        number = parse(text, how)
        if number is None:
            raise UsageError(f"--to {text!r} is no whole number", hint="write it as 12345")
        return number
    found = parse(text, TimeFormat("rfc3339", how.zone))
    if found is None:
        raise UsageError(f"--to {text!r} is no time", hint="write it as 2026-11-01T00:00:00Z, or 2026-11-01")
    return found


def _back_by(text: str, view: StreamView, stream: Stream) -> Position:
    from poller.core.model import Kind

    if _kind(stream) is Kind.INTEGER:
        if not text.isascii() or not text.isdigit():
            raise UsageError(f"--back {text!r} is no count", hint=f"{view.name} counts: --back 1000")
        return _within((view.watermark or 0) - int(text), view, "--start reads everything")
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


def _within(target: Position, view: StreamView, hint: str) -> Position:
    """A number that can be one. Without a watermark any is: nothing will come of it."""
    from poller.core.position import LARGEST_NUMBER, NUMBERS

    if view.watermark is not None and target < NUMBERS - LARGEST_NUMBER:
        raise UsageError("--back leads before the first number that there can be", hint=hint)
    return target


def _kind(stream: Stream) -> Kind | None:
    return None if stream.since is None else stream.since.kind


def _is_token(stream: Stream) -> bool:
    from poller.core.model import Kind

    return _kind(stream) is Kind.TOKEN


def _fitting(stream: Stream) -> str:
    from poller.core.model import Kind

    forms = {Kind.TOKEN: "--token TEXT", Kind.INTEGER: "--to 12345"}
    return f"for example {forms.get(_kind(stream) or Kind.TIMESTAMP, '--to 2026-11-01T00:00:00Z')}"


def _forward(target: Position, view: StreamView) -> UsageError:
    from poller.cli.words import position

    return UsageError(
        f"{position(target)} lies ahead of the watermark {position(view.watermark)}: "
        "what changed between the two would never be read",
        hint=f"move it back, or leave it: polling moves it forward; `poller watermark set {view.name}` skips",
    )
