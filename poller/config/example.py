"""Writes the example of the settings: a file to copy, in which every key of every section stands once.

``example.toml`` beside this module is the example; ``#...`` at the end of a table asks for the keys
that it does not set, each with what it means and its default, from the shapes that read them.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from poller import auth, pagers
from poller.config.complaints import form_in, section_in
from poller.config.plugins import options_of
from poller.config.reference import SECTIONS, default_of, promise_of

SKELETON = Path(__file__).with_suffix(".toml")
REST = "#..."
COLUMN = 46
"""Where the explanations stand."""
WIDTH = 120

_FIXED = "\u00a0"
"""A blank at which no line is broken."""
_HEADER = re.compile(r"\[([\w.]+)\]")
_KEY = re.compile(r"(?:# )?(\w+) = ")
_PLUGINS: Mapping[str, Mapping[str, type]] = {"page": pagers.kinds(), "auth": auth.kinds()}
_EXAMPLES = {
    "accept": '["no-lookback"]',
    "granularity": '"1s"',
    "history": '"30d"',
    "limit": '"X-Usage-Limit"',
    "message": '"message"',
    "more": '"has_more"',
    "pages": '"meta.pages"',
    "status": '"statusCode"',
    "table": '"shipments"',
    "timezone": '"Europe/Oslo"',
    "total": '"meta.total"',
    "until": '"now+1d"',
    "used": '"X-Usage-Used"',
}
"""Of keys without a default, where the form's own example says too little."""


def example_text() -> str:
    """The whole file as TOML: loads as it is."""
    told: set[type[BaseModel]] = set()
    blocks = SKELETON.read_text(encoding="utf-8").strip().split("\n\n")
    done = ("\n".join(_completed(block, told)) if REST in block else block for block in blocks)
    return "\n\n".join(done) + "\n"


def _completed(block: str, told: set[type[BaseModel]]) -> Iterator[str]:
    """A table with all keys of its section, in their order; ``told`` are the sections explained so far."""
    lines = block.splitlines()
    header = next(index for index, line in enumerate(lines) if _HEADER.fullmatch(line))
    given = {match[1]: line for line in lines[header + 1 :] if (match := _KEY.match(line)) is not None}
    yield from lines[: header + 1]
    for name, field in _section_of(lines[header].strip("[]")).model_fields.items():
        nested = section_in(field.annotation)
        if nested is not None and str(field.annotation).startswith("dict["):
            continue  # sections by name are tables of their own: sources, streams
        yield from _explained(given.get(name) or f"# {_written(name, field)}", field.description or "")
        if nested is not None and nested not in told:
            told.add(nested)
            yield from _keys_of(nested)
        yield from _kinds_of(name)


def _section_of(table: str) -> type[BaseModel]:
    """``sources.crm.streams.people`` is described as ``sources.NAME.streams.NAME``."""
    parts = table.split(".")
    return dict(SECTIONS)[".".join("NAME" if index % 2 else part for index, part in enumerate(parts))]


def _keys_of(section: type[BaseModel]) -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield from _explained(f"#     {_written(name, field)}", field.description or "")


def _kinds_of(key: str) -> Iterator[str]:
    """The kinds of a plugin, for the key that chooses one."""
    for name, kind in _PLUGINS.get(key, {}).items():
        options = [_written(option, field) for option, field in options_of(kind).model_fields.items()]
        unbroken = [option.replace(" ", _FIXED) for option in [f'type = "{name}"', *options]]
        table = _wrapped(f"{key} = {{ {', '.join(unbroken)} }}", WIDTH, "#     ", "#         ")
        yield from (line.replace(_FIXED, " ") for line in table)
        yield from _wrapped(f"# {promise_of(kind)}", WIDTH, "#         ", "#         # ")


def _written(name: str, field: FieldInfo) -> str:
    """``key = value``: the default, or an example where there is none."""
    default, form = default_of(field), form_in(field)
    example = "{ … }" if form is None else _EXAMPLES.get(name, form.example)
    return f"{name} = {example if default is None else default}"


def _explained(line: str, about: str) -> Iterator[str]:
    """The line and what it means, beside it as far as there is room, else above it."""
    if len(line) > COLUMN - 2:
        yield from _wrapped(about, WIDTH, "# ", "# ")
        yield line
        return
    first, *more = _wrapped(about, WIDTH - COLUMN, "# ", "# ")
    yield f"{line:<{COLUMN}}{first}"
    yield from (f"{'':<{COLUMN}}{each}" for each in more)


def _wrapped(text: str, width: int, first: str, then: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=then,
        break_on_hyphens=False,
        break_long_words=False,
    )
