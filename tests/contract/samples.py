"""One credential of each kind, with a secret wherever one may stand."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, Literal

from poller import auth
from poller.core.model import Secret
from poller.core.path import Path

EVERY = sorted(auth.kinds().items())
WITH_TOKEN = [(name, kind) for name, kind in EVERY if hasattr(kind, "asks")]
WITHOUT = [(name, kind) for name, kind in EVERY if not hasattr(kind, "asks")]


def sample(kind: type) -> Any:  # noqa: ANN401 (a credential)
    """An instance with a secret in each option that may hold one and a fitting value in the others."""
    hints = typing.get_type_hints(kind)
    values = {
        option.name: _value(option.name, hints[option.name])
        for option in dataclasses.fields(kind)
        if option.default is dataclasses.MISSING
    }
    return kind(**values)


def _value(name: str, hint: Any) -> object:  # noqa: ANN401 (a type)
    if hint is Secret or Secret in typing.get_args(hint):
        return Secret(f"reference-{name}")
    if hint == Mapping[str, Any]:
        return {"user": "me", "more": [{"password": Secret("reference-inside")}]}
    if Path in typing.get_args(hint):
        return Path(name)
    if typing.get_origin(hint) is Literal:
        return typing.get_args(hint)[0]
    return {"token_url": "https://id.example/token", "path": "/login"}.get(name, name)


def shown(secret: Secret) -> str:
    return f"shown {secret.reference}"


def secrets_of(value: object) -> list[Secret]:
    """The secrets in options, tables and lists."""
    if isinstance(value, Secret):
        return [value]
    inside: list[object] = []
    if dataclasses.is_dataclass(value):
        inside = [getattr(value, option.name) for option in dataclasses.fields(value)]
    elif isinstance(value, Mapping | list):
        inside = list(value.values() if isinstance(value, Mapping) else value)
    return [secret for member in inside for secret in secrets_of(member)]
