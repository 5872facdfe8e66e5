"""Reads texts and tables in which a secret may stand: a reference, or a member whose name tells."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator

from poller.config import forms
from poller.config.forms import Form
from poller.config.refusals import Refusal, kind_of
from poller.config.secrecy import misspelt, names_a_secret, scheme_of, wrong_place
from poller.core.model import Secret

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def text(value: object) -> str | Secret:
    """Text that is not empty; one that refers to a secret is a secret."""
    read = forms.text(value)
    if scheme_of(read) is not None:
        return Secret(read)
    meant = misspelt(read)
    if meant is not None:
        raise Refusal(*wrong_place(meant))
    return read


def url(value: object) -> str:
    """A full http or https URL, as it is; it may have a query, and no user."""
    given = forms.text(value)
    forms.base_url(given.partition("?")[0])
    if any(char.isspace() for char in given) or "#" in given:
        raise Refusal("is not a full http or https URL", "write it as https://login.example/oauth2/token")
    return given


def table(value: object) -> dict[str, Any]:
    """A table as JSON has it, with a secret for each text that refers to one or that a name tells of."""
    if not isinstance(value, dict):
        raise Refusal(f"must be a table, not {kind_of(value)}", "write { key = value, … }")
    return {name: _member(each, name, name) for name, each in value.items()}


def _member(value: object, name: str, path: str) -> Any:  # noqa: ANN401 (any JSON value)
    """One value; ``name`` is that of the member around it, ``path`` where it stands in the table."""
    if isinstance(value, str):
        told = scheme_of(value) is not None or (value != "" and names_a_secret(_CAMEL.sub("_", name)))
        return Secret(value) if told else value
    if isinstance(value, Mapping):
        return {each: _member(inside, each, f"{path}.{each}") for each, inside in value.items()}
    if isinstance(value, list):
        return [_member(inside, name, f"{path}[{index}]") for index, inside in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise Refusal(f"{value} at {path} does not exist in JSON", "write a finite number")
    if value is not None and not isinstance(value, int | float):
        raise Refusal(
            f"a TOML {type(value).__name__} at {path} cannot be sent",
            "quote it: TOML dates are not sent as they are written",
        )
    return value


Text = Annotated[Any, PlainValidator(text), Form("text or secret reference", '"…"')]
Url = Annotated[str, PlainValidator(url), Form("URL", '"https://login.example/oauth2/token"')]
Table = Annotated[
    Any,
    PlainValidator(table),
    Form("table, with secret references", '{ username = "…", password = "env:PASSWORD" }'),
]
