"""How a wrong value is refused: what is wrong with it, and a hint with the fix."""

from __future__ import annotations

import re

_READABLE = 60


class Refusal(ValueError):
    """Raised for a value that cannot stand where it stands. pydantic hands it on to ``complaints``."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def advised(error: ValueError, otherwise: str) -> Refusal:
    """The refusal for an error whose message may carry its own advice: ``…: write it as …``."""
    message = str(error)
    match = re.fullmatch(r"(.+?)[:;] ((?:write|use|say|remove|give|choose) .+)", message, re.DOTALL)
    return Refusal(message, otherwise) if match is None else Refusal(match[1], match[2])


def shown(value: object) -> str:
    """A value in a message, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= _READABLE else text[: _READABLE - 1] + "…"


_KINDS: dict[type, str] = {
    bool: "true or false",
    dict: "a table",
    list: "a list",
    str: "text",
    float: "a number",
}


def kind_of(value: object) -> str:
    """What sort of value it is, in words that never show it."""
    if isinstance(value, str):
        return "an empty text" if value == "" else "text"
    return _KINDS.get(type(value), "a number" if isinstance(value, int) else type(value).__name__)
