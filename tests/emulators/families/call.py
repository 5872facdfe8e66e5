"""One request as a family sees it, and the ways to answer: a reply, a refusal, or "you misuse this API"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.emulators.families.model import Model
from tests.emulators.faults import Reply
from tests.emulators.server import Asked

Shown = dict[str, dict[str, Any]]
"""Records as the API shows them, by key (canonical JSON text, as the mirror's ``_key``)."""


class Refused(Exception):
    """Answered with an error that the API's documentation knows: a token that is too old, for one."""

    def __init__(self, status: int, sentence: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(sentence)
        self.reply = Reply(
            status=status, document={"error": {"code": status, "message": sentence}}, headers=headers
        )


class Misused(Exception):
    """A request that no client with right settings would send: 400, and the test learns of it."""


@dataclass(frozen=True, slots=True)
class Call:
    """``number`` counts requests from 1; ``origin`` is the server's; ``now`` its clock, in nanoseconds."""

    number: int
    asked: Asked
    origin: str
    now: int

    def bears(self, token: str) -> None:
        """Misused when the request does not carry ``token``."""
        if self.asked.header("Authorization") != f"Bearer {token}":
            raise Misused("no credentials, or wrong ones")

    def only(self, *names: str, method: str = "GET") -> None:
        """Misused when the request has another method, a parameter of another name, or one twice."""
        given = [name for name, _ in self.asked.query]
        unknown, twice = (
            sorted(set(given) - set(names)),
            sorted({name for name in given if given.count(name) > 1}),
        )
        if self.asked.method != method:
            raise Misused(f"{self.asked.method} where {method} is right")
        if unknown or twice:
            raise Misused(f"unknown parameters {unknown}, given twice {twice}")

    def text(self, name: str) -> str | None:
        """A query parameter; None when it is absent. Misused when it is empty: it should be left out."""
        value = dict(self.asked.query).get(name)
        if value == "":
            raise Misused(f"{name} is empty")
        return value

    def needs(self, name: str, *expected: str) -> str:
        """A parameter that must be there, with one of the ``expected`` values if there are any."""
        value = self.text(name)
        if value is None or (expected and value not in expected):
            raise Misused(f"{name} is {value!r}, and must be {' or '.join(expected) or 'there'}")
        return value

    def count(self, name: str, default: int, *, least: int = 1, most: int = 1_000_000) -> int:
        """A whole number. Misused outside of ``least`` to ``most``."""
        return whole(name, self.text(name) or str(default), least, most)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body. Misused when it is no JSON object."""
        document = json.loads(self.asked.body)
        if not isinstance(document, dict):
            raise Misused(f"the body is no object: {document!r:.40}")
        return document


def whole(name: str, given: object, least: int = 0, most: int = 1_000_000) -> int:
    """``given`` as a number from ``least`` to ``most``, else Misused."""
    text = str(given)
    if isinstance(given, bool) or not text.isdecimal() or not least <= int(text) <= most:
        raise Misused(f"{name} is {given!r}, and must be a whole number from {least} to {most}")
    return int(text)


class Family(Protocol):
    """One kind of API: how it answers, and what it would show to somebody who reads everything now."""

    @property
    def model(self) -> Model: ...

    @property
    def settings(self) -> str:
        """The name of the settings file beside the emulator."""
        ...

    def answer(self, call: Call) -> Reply:
        """The right reply. Raises Refused and Misused."""
        ...

    def shown(self) -> Mapping[str, dict[str, Any]]:
        """The living, as records of the API, by key."""
        ...

    def buried(self) -> set[str]:
        """Keys whose deletion the API shows; empty where it never does."""
        ...


def key_of(record: Mapping[str, Any], name: str = "id") -> str:
    """As the mirror writes keys: canonical JSON."""
    return json.dumps(record[name], ensure_ascii=False)
