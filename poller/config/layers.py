"""Lays the environment over the file: one tree of raw values, and which variable set which key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from poller.config.places import KeyPath
from poller.config.shape import RawSettings

PREFIX = "POLLER_"
DELIMITER = "__"

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layers:
    """``tree``: the file's values under those of the environment. ``variables``: who set what.

    ``unread``: variables that look like settings and are none, with what is wrong.
    """

    tree: Tree
    variables: Mapping[KeyPath, str]
    unread: tuple[tuple[str, str, str], ...]
    """Name, problem, hint."""


def lay(file_tree: Tree, environ: Mapping[str, str]) -> Layers:
    """The environment over the file.

    ``POLLER_SOURCES__CRM__BASE_URL`` overrides ``sources.crm.base_url``; names are compared
    without case, and ``_`` stands for ``-``. A list or a table is written as JSON.
    """
    given = {name: value for name, value in environ.items() if name.upper().startswith(PREFIX)}
    over = _Environment(given)()
    unread = tuple(_unread(given))
    ignored = {name for name, _, _ in unread}
    tree = _overlaid(file_tree, over)
    variables = {
        _path(name, tree): name for name in given if DELIMITER in name[len(PREFIX) :] and name not in ignored
    }
    return Layers(tree, variables, unread)


class _Environment(EnvSettingsSource):
    """pydantic-settings' own reader, over a given environment instead of the process's."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(RawSettings)
        self.env_vars = {name.lower(): value for name, value in environ.items()}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ANN401
        """A JSON list or table; anything else stays text, so that a key ``007`` keeps its zeros."""
        try:
            decoded = json.loads(value)
        except ValueError:
            return value
        return decoded if isinstance(decoded, list | dict) else value


def _overlaid(under: Tree, over: Mapping[str, Any]) -> Tree:
    """``under`` with ``over`` on top. An overriding text takes the type of the value it replaces."""
    tree = dict(under)
    for given, value in over.items():
        name = _same(given, tree)
        beneath = tree.get(name)
        if isinstance(value, Mapping):
            tree[name] = _overlaid(beneath if isinstance(beneath, dict) else {}, value)
        else:
            tree[name] = _like(beneath, value)
    return tree


def _same(name: str, tree: Mapping[str, Any]) -> str:
    """The key of ``tree`` that a variable means by ``name``."""
    return next((key for key in tree if _folded(key) == _folded(name)), name)


def _folded(name: str) -> str:
    return name.lower().replace("-", "_")


def _like(beneath: object, value: Any) -> Any:  # noqa: ANN401 (any setting)
    if not isinstance(beneath, int | float) or not isinstance(value, str):
        return value
    try:
        decoded = json.loads(value)
    except ValueError:
        return value
    return decoded if isinstance(decoded, int | float) else value


def _path(variable: str, tree: Mapping[str, Any]) -> KeyPath:
    path: list[str] = []
    here: Any = tree
    for segment in variable[len(PREFIX) :].lower().split(DELIMITER):
        name = _same(segment, here) if isinstance(here, Mapping) else segment
        path.append(name)
        here = here.get(name) if isinstance(here, Mapping) else None
    return tuple(path)


def _unread(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Variables that somebody wrote as settings and that pydantic-settings does not read."""
    sections = {name.upper(): field for name, field in RawSettings.model_fields.items()}
    for variable in sorted(environ):
        rest = variable[len(PREFIX) :].upper()
        first = rest.split(DELIMITER)[0]
        if DELIMITER in rest and first not in sections:
            known = ", ".join(f"{PREFIX}{name}{DELIMITER}…" for name in sections)
            yield (
                variable,
                f"the environment variable {variable} names no section of the settings",
                f"known: {known}",
            )
        section, _, key = rest.partition("_")
        fields = getattr(sections[section].annotation, "model_fields", {}) if section in sections else {}
        if DELIMITER not in rest and key.lower() in fields:
            meant = f"{PREFIX}{section}{DELIMITER}{key}"
            yield variable, f"the environment variable {variable} is not read", f"two underscores: {meant}"
