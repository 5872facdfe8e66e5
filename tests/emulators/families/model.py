"""The truth of a family's API: rows, graves of deleted rows, and the journal of everything that happened."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.emulators.stamps import SECOND
from tests.emulators.world import Clock, Row, World

WORDS = ("Ærø", "Bergen", "Ceuta", "Dover", "Évora", "Faro", "Gdańsk", "Hull", "Ísafjörður", "Jaén")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; ``seq`` counts from 1. ``row`` is what stands there, or what went away."""

    seq: int
    row: Row
    deleted: bool
    visible_at: int


class Model:
    """Rows that a test moves while somebody reads them. Whoever moves it holds ``lock``.

    Rows are stamped with the clock, cut to a second: many ties.
    """

    def __init__(self, clock: Clock, seed: int = 1) -> None:
        self.clock = clock
        self.dice = random.Random(f"model {seed}")
        self.graves: dict[int, Row] = {}
        self.journal: list[Event] = []
        self._world = World(clock)
        self.lock = self._world.lock

    # --- moves ------------------------------------------------------------------------------------

    def insert(self, *, late: float = 0, **fields: Any) -> int:  # noqa: ANN401 (any field)
        """A new row, or one that comes back under its old ``id``. It can be read ``late`` seconds later."""
        with self.lock:
            born = self._world.insert(visible_in=late, **{**self._fields(), **fields})
            self.graves.pop(born, None)
            self._tell(self._world.row(born), late=late)
            return born

    def fill(self, count: int, *, tied: int = 0) -> None:
        """``count`` rows over the time before now, a second apart; ``tied`` of them at one moment."""
        first = self.clock.now() - (count + 60) * SECOND
        for turn in range(count):
            place = min(turn, count // 3) + max(0, turn - count // 3 - tied)
            number = self._world.insert(first + place * SECOND, **self._fields())
            self._tell(self._world.row(number))

    def update(self, number: int, *, late: float = 0, **fields: Any) -> None:  # noqa: ANN401 (any field)
        with self.lock:
            changed = {**self._fields(), **fields}
            self._world.update(number, visible_in=late, **changed)
            self._tell(self._world.row(number), late=late)

    def touch_many(self, numbers: Iterable[int]) -> None:
        """A bulk edit: all of them at one moment."""
        with self.lock:
            for number in list(numbers):
                self.update(number)

    def delete(self, number: int) -> None:
        """The row goes away; its grave says when."""
        with self.lock:
            old = self._world.row(number)
            self._world.delete(number)
            now = self.clock.now()
            grave = Row(number, now - now % SECOND, old.born, old.fields)
            self.graves[number] = grave
            self._tell(grave, deleted=True)

    # --- what a family shows ----------------------------------------------------------------------

    @property
    def seq(self) -> int:
        """The number of the last event."""
        return len(self.journal)

    def ids(self) -> list[int]:
        return self._world.ids()

    def row(self, number: int) -> Row:
        return self._world.row(number)

    def rows(self) -> list[Row]:
        """The living, as a reader sees them now (what commits late is not there yet)."""
        return self._world.as_of(self.clock.now())

    def newest(self) -> list[Row]:
        """The living, committed late or not."""
        return self._world.newest()

    def after(self, seq: int) -> list[Event]:
        """The last event of each row that something happened to after ``seq``, in their order."""
        newest = {event.row.id: event for event in self.journal[seq:]}
        return sorted(newest.values(), key=lambda event: event.seq)

    def _fields(self) -> dict[str, Any]:
        dice = self.dice
        return {
            "name": f"{dice.choice(WORDS)} {dice.randint(1, 9999)}",
            "price": dice.randint(0, 100_000) / 100,
            "paid": dice.random() < 0.5,
            "note": None if dice.random() < 0.3 else f'"{dice.choice(WORDS)}" \\ {dice.random()}',
            "tags": dice.sample(WORDS, dice.randint(0, 3)),
            "owner": {"id": dice.randint(1, 2**50), "vip": dice.random() < 0.1},
        }

    def _tell(self, row: Row, *, deleted: bool = False, late: float = 0) -> None:
        visible_at = self.clock.now() + round(late * SECOND)
        self.journal.append(Event(self.seq + 1, row, deleted, visible_at))
