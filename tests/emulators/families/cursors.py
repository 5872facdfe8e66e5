"""Cursors, page tokens and locators: what they stand for, for whom they were made, and how they die."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.families.call import Misused, Refused


@dataclass(slots=True)
class Cursors:
    """Opaque names for places in a listing. ``status`` answers one that expired; ``prefix`` begins each text.

    A cursor belongs to the parameters that it was given under: with others it is misused.
    """

    prefix: str = ""
    status: int = 410
    _given: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    _dead: set[str] = field(default_factory=set)

    def give(self, state: Any, under: Any) -> str:  # noqa: ANN401 (whatever a family remembers)
        """A name for ``state``, to be shown again under the same parameters ``under``."""
        text = self.prefix + hashlib.sha256(f"{len(self._given)}".encode()).hexdigest()[:20]
        self._given[text] = (state, under)
        return text

    def take(self, text: str, under: Any) -> Any:  # noqa: ANN401 (whatever a family remembers)
        """The state behind ``text``. Raises Refused when it expired, Misused when it was never meant so."""
        if text in self._dead:
            raise Refused(self.status, "the cursor has expired")
        if text not in self._given:
            raise Misused(f"{text!r} was never given out")
        state, meant = self._given[text]
        if meant != under:
            raise Misused(f"{text!r} was given under {meant!r} and is used with {under!r}")
        return state

    def expire(self) -> None:
        """Every cursor that was given out until now is dead."""
        self._dead |= self._given.keys()
