"""Writes the reference page of the commands from the commands themselves, so that it cannot be out of date.

A command's section is its help, the exit codes with a meaning of their own, a link to its keys of
``--json`` (:mod:`poller.cli.reference_json`), and ``NOTES`` of its module: Markdown for what is too
long for a help text.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from poller.cli.app import COMMANDS, command
from poller.cli.failures import EXIT_CODES

WIDE = 1000
"""Columns; so that nothing of a usage line is wrapped."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that the command line can do: ``title`` is ``runs`` or ``watermark list``."""

    title: str
    name: str
    """Of the command: the first word of the title."""
    command: Any
    context: Any

    @property
    def options(self) -> list[str]:
        """Every way to write every option: ``--limit``, ``-n``."""
        options = [each for each in self.command.params if each.param_type_name == "option"]
        return [word for option in options for word in option.opts]


def verbs() -> Iterator[Verb]:
    """Everything that the command line can do, in the order of its help."""
    top = command()
    kind = top.context_class
    outer = kind(top, info_name="poller", terminal_width=WIDE)
    for name in COMMANDS:
        found = top.get_command(outer, name)
        inner = getattr(found, "commands", {})
        context = kind(found, info_name=name, parent=outer, terminal_width=WIDE)
        if not inner:
            yield Verb(name, name, found, context)
        for word, verb in inner.items():
            below = kind(verb, info_name=word, parent=context, terminal_width=WIDE)
            yield Verb(f"{name} {word}", name, verb, below)


def module_of(name: str) -> ModuleType:
    """The module of a command: ``dead-letters`` is ``poller.cli.dead_letters``."""
    return import_module(f"poller.cli.{name.replace('-', '_')}")


def anchor(title: str) -> str:
    """Where a heading of this title is on its page."""
    return title.replace(" ", "-")


def commands_page() -> str:
    """The whole page as Markdown."""
    return "\n".join(_page()).rstrip() + "\n"


def _page() -> Iterator[str]:
    yield _INTRODUCTION
    yield "| exit code | meaning |"
    yield "|---|---|"
    yield from (f"| {code} | {_prose(meaning)} |" for code, meaning in EXIT_CODES.items())
    yield "\nOptions of every command, before or behind its name:\n"
    top = command()
    yield from _table(top.params, top.context_class(top, info_name="poller", terminal_width=WIDE))
    found = list(verbs())
    for name, about in COMMANDS.items():
        yield from _section(name, about, [verb for verb in found if verb.name == name])


def _section(name: str, about: str, of_this: list[Verb]) -> Iterator[str]:
    module = module_of(name)
    yield f"## {name}\n"
    alone = len(of_this) == 1 and of_this[0].title == name
    if not alone:
        yield f"{_prose(about)}\n"
    for verb in of_this:
        if not alone:
            yield f"### {verb.title}\n"
        yield from _verb(verb, getattr(module, "JSON_KEYS", {}))
    notes: str = getattr(module, "NOTES", "")
    if notes != "":
        yield f"{notes.strip()}\n"


def _verb(verb: Verb, keys: dict[str, object]) -> Iterator[str]:
    yield f"```text\n{verb.command.get_usage(verb.context).removeprefix('Usage: ')}\n```\n"
    for paragraph in (verb.command.help or "").split("\n\n"):
        yield f"{_filled(paragraph)}\n"
    yield from _table(verb.command.params, verb.context)
    if verb.command.epilog:
        yield f"{_filled(verb.command.epilog)}\n"
    if verb.title in keys:
        yield f"[The keys of `--json`](../json.md#{anchor(verb.title)}).\n"


def _table(parameters: list[Any], context: Any) -> Iterator[str]:  # noqa: ANN401 (typer's copy of click)
    records = [each.get_help_record(context) for each in parameters if each.name not in _UNTOLD]
    rows = [_row(*record) for record in records if record is not None]
    if rows:
        yield "| argument or option | meaning | default |"
        yield "|---|---|---|"
        yield from rows
        yield ""


_UNTOLD = frozenset({"install_completion", "show_completion"})
_ASIDE = re.compile(r"\s*\[([^\[\]]*)\]$")
"""What click writes behind a help text: ``[default: 20; x>=1]``."""


def _row(written: str, about: str) -> str:
    asides = []
    while (aside := _ASIDE.search(about)) is not None:
        about = about[: aside.start()]
        asides.append(aside[1])
    shown = re.sub(r"^([A-Z|]+) <[^>]*>$", r"\1", written)
    default = "; ".join(filter(None, map(_default, asides)))
    return f"| `{_cell(shown)}` | {_cell(_prose(about))} | {_cell(_prose(default))} |"


def _default(aside: str) -> str:
    """``default: 20; x>=1`` is 20; what is required has none."""
    value = aside.removeprefix("default: ").removesuffix("; x>=1").removesuffix("; x>=0")
    if value == aside:
        return "required" if aside == "required" else ""
    return value if " " in value else f"`{value}`"


def _prose(text: str) -> str:
    """``text`` with its options in code, as the help has them bare; what stands in code already stays."""
    parts = text.split("`")
    for index in range(0, len(parts), 2):
        marked = re.sub(r"(?<![\w-])(--[a-z][a-z-]*|\$[A-Z_]+)", r"`\1`", parts[index])
        parts[index] = re.sub(r"(?<!\w)\*(?!\w)", r"\\*", marked)
    return "`".join(parts)


def _filled(text: str) -> str:
    """One paragraph, in lines of a width that can be compared."""
    return textwrap.fill(_prose(" ".join(text.split())), 110, break_on_hyphens=False, break_long_words=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


_INTRODUCTION = """\
# Commands

A stream is `source.stream`; a source alone means all of its streams. What was asked for goes to stdout,
messages go to stderr. On a terminal, tables are cut to its width and states are coloured; a pipe gets
everything, plain. Commands that list take `--json`: [JSON Lines](../json.md). `poller --install-completion`
sets up the completion of your shell.

This page is made from the commands' own help; `make docs` writes it anew.
"""
