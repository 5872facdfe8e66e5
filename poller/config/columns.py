"""Reads the columns that a stream adds or overrides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poller.config.forms import IDENTIFIER, LONGEST_NAME
from poller.config.forms import path as read_path
from poller.config.places import KeyPath
from poller.config.problems import Findings, did_you_mean
from poller.config.refusals import Refusal, shown
from poller.core.model import ColumnRule
from poller.core.path import Path

COLUMN_TYPES = ("text", "integer", "float", "decimal", "boolean", "timestamp", "date", "json")


def columns_of(table: Mapping[str, Any], path: KeyPath, findings: Findings) -> tuple[ColumnRule, ...]:
    """The rules of the columns table at ``path``."""
    rules: list[ColumnRule] = []
    for name, given in table.items():
        where = (*path, name)
        if not IDENTIFIER.fullmatch(name) or len(name) > LONGEST_NAME:
            findings.at_key(
                where,
                f"{shown(name)} is no column name",
                f"use up to {LONGEST_NAME} letters, digits and _, a letter first",
            )
        elif any(rule.name.lower() == name.lower() for rule in rules):
            findings.at_key(
                where, f"there are two columns {name.lower()}", "databases do not tell case apart: rename one"
            )
        elif (rule := _column(name, given, where, findings)) is not None:
            rules.append(rule)
    return tuple(rules)


def _column(name: str, given: Any, path: KeyPath, findings: Findings) -> ColumnRule | None:  # noqa: ANN401 (TOML)
    table = given if isinstance(given, dict) else {"path": given}
    for key in sorted(table.keys() - {"path", "type"}):
        findings.at_key((*path, key), "unknown key", did_you_mean(key, ("path", "type")))
    kind = table.get("type")
    if kind is not None and kind not in COLUMN_TYPES:
        words = ", ".join(COLUMN_TYPES)
        close = did_you_mean(str(kind), COLUMN_TYPES)
        findings.at_value(
            (*path, "type"),
            f"there is no column type {shown(kind)}",
            close if close.startswith("did") else f"use {words}",
        )
    if "path" not in table:
        return ColumnRule(name, Path(name), kind)
    where = (*path, "path") if isinstance(given, dict) else path
    try:
        return ColumnRule(name, read_path(table["path"]), kind)
    except Refusal as refusal:
        findings.at_value(where, refusal.message, refusal.hint)
        return None
