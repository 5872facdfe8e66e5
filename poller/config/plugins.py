"""Builds a pager or a credential from its table: the options of its dataclass are its schema."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from poller.config import confided, forms, later, refusals
from poller.config.complaints import report
from poller.config.places import KeyPath
from poller.config.problems import Findings, did_you_mean
from poller.core.model import Secret
from poller.core.path import Header, Lookup, Path

_FORMS: dict[Any, Any] = {
    str: forms.Text,
    int: forms.Count,
    bool: forms.Truth,
    timedelta: forms.SomeSpan,
    Path: forms.JsonPath,
    Lookup: forms.Where,
    Secret: forms.Confidential,
    str | Secret: confided.Text,
    Mapping[str, Any]: confided.Table,
}
"""The type of an option → the form in which it is written."""

_NAMED: dict[str, Any] = {"any text": forms.AnyText, "url": confided.Url}
"""Forms that the type alone does not tell; an option names its own under ``form``."""


def build(
    section: str, kinds: Mapping[str, type], table: Mapping[str, Any], path: KeyPath, findings: Findings
) -> Any:  # noqa: ANN401 (a pager or a credential)
    """The plugin that ``table`` describes by ``type`` and options; None when it was found wrong.

    ``section`` is ``page`` or ``auth``; ``kinds`` what there is, by name.
    """
    kind = _kind(section, kinds, table, path, findings)
    if kind is None:
        return None
    model = options_of(kind)
    options = {name: value for name, value in table.items() if name != "type"}
    try:
        read = model.model_validate(options)
    except ValidationError as error:
        report(error, model, path, findings)
        return None
    given = {name: getattr(read, name) for name in options}
    try:
        return kind(**given)
    except ValueError as error:
        refusal = refusals.advised(error, _forms_of(kind))
        findings.at_key(path, refusal.message, refusal.hint)
        return None


def _kind(
    section: str, kinds: Mapping[str, type], table: Mapping[str, Any], path: KeyPath, findings: Findings
) -> type | None:
    name = table.get("type")
    known = ", ".join(kinds)
    if name is None:
        findings.at_key(path, "type is missing", f'add type = "…"; known: {known}')
        return None
    if isinstance(name, str) and name in kinds:
        return kinds[name]
    hint = later.hint_for_choice(section, name)
    if hint is not None:
        findings.at_value((*path, "type"), f'{section} type "{name}" {later.NOT_YET}', hint)
    else:
        findings.at_value(
            (*path, "type"),
            f"there is no {section} type {refusals.shown(name)}",
            did_you_mean(str(name), kinds),
        )
    return None


def options_of(kind: type) -> type[BaseModel]:
    """A pydantic model of the plugin's options."""
    hints = typing.get_type_hints(kind)
    fields: dict[str, Any] = {}
    for option in dataclasses.fields(kind):
        required = option.default is dataclasses.MISSING and option.default_factory is dataclasses.MISSING
        default = ... if required else option.default
        fields[option.name] = (
            form_of(hints[option.name], option.metadata),
            Field(default, description=option.metadata.get("doc", "")),
        )
    model: type[BaseModel] = create_model(
        kind.__name__, __config__=ConfigDict(extra="forbid", hide_input_in_errors=True), **fields
    )
    return model


def form_of(annotation: Any, told: Mapping[str, Any]) -> Any:  # noqa: ANN401 (a type)
    """The form in which a value of that type is written. ``X | None`` is written as ``X``.

    ``told`` is the option's metadata: ``form`` names one by hand, ``least`` is the smallest number.
    """
    if "form" in told:
        return _NAMED[told["form"]]
    if "least" in told:
        return forms.whole_from(told["least"])
    if annotation in _FORMS:
        return _FORMS[annotation]
    members = [each for each in typing.get_args(annotation) if each is not types.NoneType]
    if typing.get_origin(annotation) is Literal:
        return forms.one_of(*members)
    return _FORMS[Lookup] if set(members) == {Path, Header} else form_of(members[0], told)


def _forms_of(kind: type) -> str:
    return "options: " + ", ".join(option.name for option in dataclasses.fields(kind))
