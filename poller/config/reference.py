"""Writes the reference page of the settings from what reads them, so that it cannot be out of date."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from poller import auth, pagers, schedules, secrets
from poller.config import shape
from poller.config.complaints import form_in, section_in
from poller.config.plugins import options_of
from poller.core.duration import format_duration
from poller.core.path import Header, Path
from poller.core.request import PLACEHOLDERS

SECTIONS: Sequence[tuple[str, type[BaseModel]]] = (
    ("database", shape.RawDatabase),
    ("daemon", shape.RawDaemon),
    ("retention", shape.RawRetention),
    ("sources.NAME", shape.RawSource),
    ("sources.NAME.limits", shape.RawLimits),
    ("sources.NAME.usage_headers", shape.RawUsage),
    ("sources.NAME.retry", shape.RawRetry),
    ("sources.NAME.errors", shape.RawErrors),
    ("sources.NAME.streams.NAME", shape.RawStream),
    ("sources.NAME.streams.NAME.since", shape.RawSince),
)

_FILLED = {
    "since": "the position from which changes are asked for",
    "until": "the end of the window; live polls send it only with `since.until`",
    "cursor": "what the answer before named as the next page",
    "key": "the same, where the API takes the key of the last record",
    "offset": "how many rows to skip",
    "page": "the page number, counted from `page.first`",
    "size": "`page.size`",
}
_INTRODUCTION = """\
# Settings

One TOML file: the one that `--config` names, else the one in `POLLER_CONFIG`, else `settings.toml` in the
current folder. Each key can be overridden by an environment variable: `POLLER_DATABASE__URL` is
`database.url`, `POLLER_SOURCES__CRM__BASE_URL` is `sources.crm.base_url`; names are compared without case,
`_` stands for `-`, and lists and tables are written as JSON (a table is merged into that of the file).
Unknown keys and wrong values are errors with line, column and a hint. `settings.example.toml` has every key
once, and shows APIs of several kinds.

This page is made from what reads the settings; `make docs` writes it anew.
"""


def reference_page() -> str:
    """The whole page as Markdown."""
    return "\n".join(_page()).rstrip() + "\n"


def _page() -> Iterator[str]:
    yield _INTRODUCTION
    for name, section in SECTIONS:
        yield from _section(f"`[{name}]`", section.__doc__ or "", section.model_fields)
    yield from _plugins("page", "sources.NAME.streams.NAME", pagers.kinds())
    yield from _plugins("auth", "sources.NAME", auth.kinds())
    yield from _forms()


def _section(title: str, about: str, fields: Mapping[str, FieldInfo]) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"{about.strip()}\n"
    yield from _table(fields)


def _plugins(option: str, where: str, kinds: Mapping[str, type]) -> Iterator[str]:
    yield f"## `{option}` of `[{where}]`\n"
    yield f"`{option}.type` is one of {', '.join(f'`{name}`' for name in kinds)}.\n"
    for name, kind in kinds.items():
        yield f'### `{option} = {{ type = "{name}" }}`\n'
        yield f"{promise_of(kind)}\n"
        needs = sorted(getattr(kind, "needs", ()))
        if needs:
            yield f"The request must hold {' or '.join(f'`{{{each}}}`' for each in needs)}.\n"
        fields = options_of(kind).model_fields
        if fields:
            yield from _table(fields)


def _table(fields: Mapping[str, FieldInfo]) -> Iterator[str]:
    yield "| key | form | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in fields.items():
        form = form_in(field)
        written = form.name if form is not None else "table" if section_in(field.annotation) else "text"
        yield f"| `{name}` | {_cell(written)} | {_shown(field)} | {_cell(field.description or '')} |"
    yield ""


def _shown(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = default_of(field)
    return "" if default is None else f"`{default}`"


def default_of(field: FieldInfo) -> str | None:
    """The default as TOML; None when there is none, or none that anybody would write."""
    form = form_in(field)
    if field.is_required():
        return None
    if form == form_in(shape.RawRetention.model_fields["changes"]) and field.default is None:
        return '"forever"'
    if form == form_in(shape.RawLimits.model_fields["wire"]):
        return f'"{field.default // 10**6}MB"'
    if field.default is None or isinstance(field.default, BaseModel) or field.default in ([], {}):
        return None
    return _toml(field.default)


def _toml(value: Any) -> str:  # noqa: ANN401 (any default)
    if isinstance(value, timedelta):
        return f'"{format_duration(value)}"'
    if isinstance(value, Path | Header):
        return json.dumps(value.text if isinstance(value, Path) else f"header:{value.name}")
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(member)}" for name, member in value.items()) + " }"
    return json.dumps(value)


def _forms() -> Iterator[str]:
    yield "## Placeholders\n"
    yield "In a stream's `path`, `params`, `headers` and `body`; literal braces are doubled: `{{`, `}}`.\n"
    yield "| placeholder | filled with |"
    yield "|---|---|"
    yield from (f"| `{{{name}}}` | {_FILLED[name]} |" for name in sorted(PLACEHOLDERS))
    yield ""
    yield "## Schedules\n"
    for kind in schedules.kinds().values():
        examples = ", ".join(f"`{example}`" for example in getattr(kind, "examples", ()))
        yield f"- {getattr(kind, 'form', '')}: {examples}"
    known = ", ".join(f"`{name}:…`" for name in secrets.kinds())
    yield _CLOSING.replace("SCHEMES", known)


_CLOSING = """
## Secrets

References (SCHEMES) may stand in `auth` and in the `headers` of a source or a stream. A `file:` is read again
when the API refuses the credential and when the settings are reloaded; a variable cannot change while poller
runs. A secret that is written out works with a warning where only the owner may read the file (mode 0600),
and is an error where others may.

## Durations, sizes, rates

- durations: a number and a unit, combined from large to small: `30s`, `5m`, `1h30m`, `7d`, `250ms`
- sizes: `500KB`, `30MB` (millions of bytes), `64MiB` (of 1024²), or a number of bytes
- rates: `10/second`, `1000/minute`, `5000/hour`, `100/15m`, or a list of them that hold together
"""


def promise_of(kind: type) -> str:
    """What the plugin's docstring says first, less what only a programmer needs."""
    first = (kind.__doc__ or "").strip().split("\n\n")[0].split("Raises ")[0]
    return " ".join(first.replace("``", "`").split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
