"""The truth behind an emulated API: rows with exact positions, their past, and the clock that stamps them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.emulators.stamps import SECOND


class _Now:
    """Stands for the clock's own time where a position is asked for (None is a null position)."""

    def __repr__(self) -> str:
        return "NOW"


NOW: Final = _Now()
At = int | None | _Now
"""Nanoseconds since 1970 UTC, None for null, or NOW."""


class Clock:
    """The server's time in nanoseconds: the machine's, until it is set, frozen or moved."""

    def __init__(self, at: int | None = None) -> None:
        self._frozen = at
        self._shift = 0

    def now(self) -> int:
        return (time.time_ns() if self._frozen is None else self._frozen) + self._shift

    def freeze(self, at: int | None = None) -> None:
        """Stand still, at ``at`` or here."""
        here = self.now() if at is None else at
        self._frozen, self._shift = here, 0

    def advance(self, seconds: float) -> None:
        """Move, forwards or backwards (a server's clock may be set)."""
        self._shift += round(seconds * SECOND)


@dataclass(frozen=True, slots=True)
class Row:
    """One version of one row. ``born`` orders rows by insertion."""

    id: int
    at: int | None
    born: int
    fields: dict[str, Any]


@dataclass(slots=True)
class _Version:
    """``row`` None: deleted. Readers see it from ``visible_at`` on."""

    visible_at: int
    row: Row | None


@dataclass(slots=True)
class World:
    """Rows by id. ``unit``: nanoseconds to which new positions are cut (many ties at one second).

    Every change of a row raises its ``version`` field, so that a mirror of an older one differs.
    Mutations may come from any thread.
    """

    clock: Clock = field(default_factory=Clock)
    unit: int = SECOND
    key_base: int = 1
    revision: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    _history: dict[int, list[_Version]] = field(default_factory=dict)
    _newest: dict[int, Row] = field(default_factory=dict)
    _born: int = 0
    _unsettled_until: int = 0

    # --- mutations -----------------------------------------------------------------------

    def insert(self, at: At = NOW, *, visible_in: float = 0, **fields: Any) -> int:  # noqa: ANN401
        """A new row; its id. ``visible_in`` seconds later only (a transaction that commits late)."""
        with self.lock:
            number = int(fields.pop("id", self.key_base + self._born))
            fields.setdefault("name", f"row {number}")
            row = Row(number, self._position(at), self._born, {"version": 1, **fields})
            self._born += 1
            self._put(number, row, visible_in)
            return number

    def insert_many(self, count: int, at: At = NOW, *, step: int = 0, **fields: Any) -> list[int]:  # noqa: ANN401
        """``count`` rows, positions ``step`` nanoseconds apart from ``at`` on; their ids."""
        with self.lock:
            first = self._position(at)
            spread = [first if first is None else first + step * turn for turn in range(count)]
            return [self.insert(moment, **fields) for moment in spread]

    def update(self, number: int, at: At = NOW, *, visible_in: float = 0, **fields: Any) -> None:  # noqa: ANN401
        """Change a row and stamp it."""
        with self.lock:
            old = self._newest[number]
            changed = {**old.fields, "version": old.fields["version"] + 1, **fields}
            self._put(number, Row(number, self._position(at), old.born, changed), visible_in)

    def touch_many(self, numbers: Iterable[int], at: At = NOW, **fields: Any) -> None:  # noqa: ANN401
        """A bulk edit: all of them at one position."""
        with self.lock:
            moment = self._position(at)
            for number in list(numbers):
                self.update(number, moment, **fields)

    def change_silently(self, number: int, **fields: Any) -> None:  # noqa: ANN401
        """Change a row without a new position: what only a sweep can see."""
        with self.lock:
            self.update(number, self._newest[number].at, **fields)

    def backdate(self, number: int, at: int) -> None:
        """Give a row an old position, as an import does."""
        self.update(number, at)

    def delete(self, number: int) -> None:
        """A hard delete."""
        with self.lock:
            del self._newest[number]
            self._put(number, None, 0)

    # --- what can be seen ------------------------------------------------------------------

    def ids(self) -> list[int]:
        """Of the rows that are there, in the order of insertion."""
        with self.lock:
            return list(self._newest)

    def row(self, number: int) -> Row:
        return self._newest[number]

    def newest(self) -> list[Row]:
        """Every row's newest version, committed or not yet visible."""
        with self.lock:
            return list(self._newest.values())

    def as_of(self, moment: int) -> list[Row]:
        """What a reader sees whose replica stands at ``moment``."""
        with self.lock:
            if moment >= self._unsettled_until:
                return list(self._newest.values())
            shown = (_visible(versions, moment) for versions in self._history.values())
            return [row for row in shown if row is not None]

    def is_settled(self, moment: int) -> bool:
        """Whether a reader at ``moment`` sees the newest version of everything."""
        return moment >= self._unsettled_until

    def _position(self, at: At) -> int | None:
        if not isinstance(at, _Now):
            return at
        now = self.clock.now()
        return now - now % self.unit

    def _put(self, number: int, row: Row | None, visible_in: float) -> None:
        visible_at = self.clock.now() + round(visible_in * SECOND)
        self._history.setdefault(number, []).append(_Version(visible_at, row))
        self._unsettled_until = max(self._unsettled_until, visible_at)
        if row is not None:
            self._newest[number] = row
        self.revision += 1


def _visible(versions: list[_Version], moment: int) -> Row | None:
    """The last version, in the order of the commits, that a reader at ``moment`` sees."""
    for version in reversed(versions):
        if version.visible_at <= moment:
            return version.row
    return None
