"""Turns what pydantic complains of into problems with a place, in our words, with a hint."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from poller.config import later
from poller.config.forms import Form
from poller.config.places import KeyPath
from poller.config.problems import Findings, did_you_mean
from poller.config.refusals import Refusal


def report(error: ValidationError, model: type[BaseModel], path: KeyPath, findings: Findings) -> None:
    """Every complaint of ``error`` about ``model``, whose table stands at ``path``."""
    for each in error.errors(include_url=False, include_input=False):
        location: KeyPath = tuple(each["loc"])
        where = (*path, *location)
        refusal = each.get("ctx", {}).get("error")
        if each["type"] == "extra_forbidden":
            _unknown(where, fields_at(model, location[:-1]), findings)
        elif each["type"] == "missing":
            _missing(where, fields_at(model, location[:-1]), findings)
        elif isinstance(refusal, Refusal):
            findings.at_value(where, refusal.message, refusal.hint)
        else:
            findings.at_value(where, *_SHAPES.get(each["type"], (each["msg"], None)))


_SHAPES: dict[str, tuple[str, str]] = {
    "list_type": ("must be a list", "write it in brackets: [ … ]"),
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type"),
        ("must be a table", "write { key = value, … } or a [section] of its own"),
    ),
}


def _unknown(path: KeyPath, fields: Mapping[str, FieldInfo], findings: Findings) -> None:
    hint = later.hint_for_key(path)
    if hint is not None:
        findings.at_key(path, later.NOT_YET, hint)
    else:
        findings.at_key(path, "unknown key", did_you_mean(str(path[-1]), fields.keys()))


def _missing(path: KeyPath, fields: Mapping[str, FieldInfo], findings: Findings) -> None:
    name = str(path[-1])
    form = form_in(fields[name]) if name in fields else None
    example = "…" if form is None else form.example
    about = (fields[name].description or "") if name in fields else ""
    findings.at_key(path, "is missing", f"add {name} = {example}" + (f" ({about})" if about else ""))


def form_in(field: FieldInfo) -> Form | None:
    """How the field's value is written; None for a section."""
    marks = [*field.metadata, *_marks(field.annotation)]
    return next((mark for mark in marks if isinstance(mark, Form)), None)


def _marks(annotation: Any) -> list[Any]:  # noqa: ANN401 (a type)
    """What is attached to ``Annotated`` types inside ``X | None``."""
    own = list(getattr(annotation, "__metadata__", ()))
    inside = (
        typing.get_args(annotation)
        if isinstance(annotation, types.UnionType) or _is_union(annotation)
        else ()
    )
    return own + [mark for member in inside for mark in _marks(member)]


def _is_union(annotation: Any) -> bool:  # noqa: ANN401 (a type)
    return typing.get_origin(annotation) is typing.Union


def section_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 (a type)
    """The model that ``annotation`` names, alone, with None, or as the values of a dict."""
    if (
        isinstance(annotation, type)
        and not typing.get_origin(annotation)
        and issubclass(annotation, BaseModel)
    ):
        return annotation
    return next(
        (found for each in typing.get_args(annotation) if (found := section_in(each)) is not None), None
    )


def fields_at(model: type[BaseModel], location: KeyPath) -> Mapping[str, FieldInfo]:
    """The fields of the section at ``location`` inside ``model``; empty when there is none."""
    here: Any = model
    for part in location:
        if typing.get_origin(here) is dict:
            here = typing.get_args(here)[-1]
        else:
            section = section_in(here)
            assert section is not None, f"{location} is in no section of {model.__name__}"
            here = section.model_fields[str(part)].annotation
    found = section_in(here)
    return {} if found is None else found.model_fields
