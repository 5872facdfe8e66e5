"""Reads the settings: one file, the environment over it, everything that is wrong at once."""

from __future__ import annotations

import copy
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from poller.config.complaints import report
from poller.config.layers import Tree, lay
from poller.config.places import KeyPath, find_places
from poller.config.problems import Findings, Origin, SettingsProblems
from poller.config.settings import Daemon, Retention, Settings
from poller.config.shape import RawSettings
from poller.config.sources import sources_of
from poller.core.errors import SettingsError

DEFAULT = Path("settings.toml")
VARIABLE = "POLLER_CONFIG"


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings in ``path``, else in the file that POLLER_CONFIG names, else in ./settings.toml.

    ``POLLER_…__…`` in ``environ`` overrides single keys. Secret references are not read.
    Raises SettingsProblems with every problem; each has file, line, column, key and hint as far
    as there are such.
    """
    chosen = _chosen(path, environ)
    text = read_text(chosen)
    tree = _parsed(chosen, text)
    layers = lay(tree, environ)
    places = find_places(text.replace("\r\n", "\n"))
    findings = Findings(Origin(str(chosen), places, layers.variables, shared=_is_shared(chosen)))
    for _, problem, hint in layers.unread:
        findings.outside(problem, hint)
    raw = _validated(layers.tree, findings)
    sources = sources_of(raw, findings)
    findings.raise_any()
    return Settings(
        database_url=raw.database.url,
        daemon=Daemon(
            listen=raw.daemon.listen,
            workers=raw.daemon.workers,
            lease=raw.daemon.lease,
            state_dir=Path(raw.daemon.state_dir),
            spread=raw.daemon.spread,
        ),
        retention=Retention(raw.retention.runs, raw.retention.requests, raw.retention.changes),
        sources=sources,
        warnings=findings.warnings,
        path=chosen,
    )


def _chosen(path: Path | None, environ: Mapping[str, str]) -> Path:
    if path is not None:
        return path
    named = environ.get(VARIABLE)
    return DEFAULT if named is None or named == "" else Path(named)


def read_text(path: Path) -> str:
    """The content of a settings file. Raises SettingsProblems when it cannot be read as text."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        message, hint = (
            "there is no such file",
            f"`poller init` writes one; --config or {VARIABLE} names another",
        )
    except OSError as error:
        message, hint = f"cannot be read: {error.strerror}", "check the path, and that you may read it"
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8-sig")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        raise _alone(path, "is not UTF-8 here", "save the file as UTF-8", line, column) from None
    raise _alone(path, message, hint)


def _is_shared(path: Path) -> bool:
    """Whether group or others may read the file; False where files have no such modes."""
    return os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) != 0


def _parsed(path: Path, text: str) -> Tree:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
    match = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL)
    last = text.rstrip("\n").split("\n")
    line, column = (
        (len(last), len(last[-1]) + 1)
        if match is None or match[2] is None
        else (int(match[2]), int(match[3]))
    )
    said = message if match is None else match[1]
    if said == "Cannot overwrite a value":  # its place is the end of the second one
        column = len(last[line - 1]) - len(last[line - 1].lstrip()) + 1
        raise _alone(path, "not valid TOML: this key stands twice", "remove one of the two", line, column)
    raise _alone(path, f"not valid TOML: {said}", _SYNTAX, line, column)


_SYNTAX = "text stands in double quotes, a table is [a.b] or { key = value }; https://toml.io/en/v1.0.0"


def _alone(
    path: Path, message: str, hint: str, line: int | None = None, column: int | None = None
) -> SettingsProblems:
    return SettingsProblems((SettingsError(message, file=str(path), line=line, column=column, hint=hint),))


def _validated(tree: Tree, findings: Findings) -> RawSettings:
    """The tree as sections. What is wrong is reported and left out, so that the rest is still checked."""
    try:
        return RawSettings(**tree)
    except ValidationError as error:
        report(error, RawSettings, (), findings)
        wrong: list[KeyPath] = [
            tuple(each["loc"]) for each in error.errors(include_url=False, include_input=False)
        ]
    return RawSettings(**_without(tree, wrong))


def _without(tree: Tree, wrong: list[KeyPath]) -> Tree:
    """``tree`` less each stream, and each key of a source, in which something is wrong."""
    rest: Tree = copy.deepcopy(tree)
    for path in wrong:
        match path:
            case ("sources", source, "streams", str(stream), *_):
                _part(_part(_part(rest, "sources"), source), "streams").pop(stream, None)
            case ("sources", source, str(key), *_):
                given = _part(_part(rest, "sources"), source)
                given.pop(key, None)
                given.setdefault("base_url", "https://unknown.invalid")
            case ("sources", str(source)):
                _part(rest, "sources").pop(source, None)
            case _:
                rest.pop(str(path[0]), None)
    return rest


def _part(tree: Tree, name: str | int) -> Tree:
    """A table inside ``tree``: changes to it change the tree. Empty when there is none."""
    inside = tree.get(str(name))
    return inside if isinstance(inside, dict) else {}
