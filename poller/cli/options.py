"""The options that every command knows, before or behind its name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from typer import Context


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Options:
    """What stands before or behind the command's name. ``config`` None: the usual places."""

    config: Path | None = None
    debug: bool = False
    no_color: bool = False
    quiet: bool = False
    log_format: LogFormat = LogFormat.TEXT


VALUED = frozenset({"--config", "-c", "--log-format"})
FLAGS = frozenset({"--debug", "--no-color", "--quiet", "-q"})


def hoisted(arguments: list[str]) -> list[str]:
    """``arguments`` with the global options moved to the front, so that they may stand anywhere."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in VALUED:
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word in FLAGS or word.startswith(("--config=", "--log-format=")):
            front.append(word)
        else:
            rest.append(word)
    return front + rest


def keep(context: Context, options: Options) -> None:
    """Hand the global options to whichever command follows."""
    context.meta[_KEPT] = options


def options_of(context: Context) -> Options:
    """The global options of the command line at hand."""
    found = context.meta.get(_KEPT)
    return found if isinstance(found, Options) else Options()


_KEPT = "poller.options"
