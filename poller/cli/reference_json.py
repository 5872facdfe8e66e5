"""Writes the page of the keys of ``--json``, from what each command says of its own.

A command's module has ``JSON_KEYS``: the title (``runs``, ``watermark list``) → each key, in the
order in which it is written → what it means. Where the keys are not the command's own, a sentence
stands instead of them. Keys are only ever added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poller.cli.app import COMMANDS
from poller.cli.reference import anchor, module_of

Keys = Mapping[str, str] | str
"""Key → meaning; or a sentence about keys that are not fixed."""


def json_keys() -> dict[str, Keys]:
    """Every title with its keys, in the order of the commands."""
    return {
        title: keys for name in COMMANDS for title, keys in getattr(module_of(name), "JSON_KEYS", {}).items()
    }


def json_page() -> str:
    """The whole page as Markdown."""
    return "\n".join(_page()).rstrip() + "\n"


def _page() -> Iterator[str]:
    yield _INTRODUCTION
    told: dict[str, Mapping[str, str]] = {}
    for title, keys in json_keys().items():
        yield f"## `{title}`\n"
        if isinstance(keys, str):
            yield f"{keys}\n"
            continue
        same = next((name for name, known in told.items() if known.items() <= keys.items()), None)
        more = {key: meaning for key, meaning in keys.items() if same is None or key not in told[same]}
        if same is not None:
            yield f"The keys of [`{same}`](#{anchor(same)}){', and:' if more else '.'}\n"
        told[title] = keys
        yield from _table(more)


def _table(keys: Mapping[str, str]) -> Iterator[str]:
    if keys:
        yield "| key | meaning |"
        yield "|---|---|"
        yield from (f"| `{key}` | {meaning} |" for key, meaning in keys.items())
        yield ""


_INTRODUCTION = """\
# JSON Lines

Every command that lists takes `--json`: one JSON object per line on stdout, nothing else. Keys are only ever
added. Moments are UTC, `2026-11-21T12:00:00.000000Z`; positions have nine digits behind the second,
`2026-11-21T12:00:00.000000000Z`; both sort as time does. `null` means that there is no value.

This page is made from the commands; `make docs` writes it anew.
"""
