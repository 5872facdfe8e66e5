"""Which rows an endpoint lists, in which order, and how it shows each."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.emulators.endpoint import Endpoint
from tests.emulators.stamps import SECOND
from tests.emulators.world import Row, World

Place = tuple[int, int, int]
"""Where a row stands in the order: null marker, position, tie-break."""


class Listing:
    """An endpoint's view of a world. Sorted once per state of the world, where the order is fixed."""

    def __init__(self, endpoint: Endpoint, world: World) -> None:
        self.endpoint = endpoint
        self.world = world
        self._sorted: tuple[int, list[Row]] = (-1, [])

    def rows(self, since: int | None, until: int | None, rng: random.Random) -> list[Row]:
        """What passes the filter, in order. ``rng`` is the request's own."""
        ordered = self._ordered(rng)
        if self.endpoint.compare == "ignored" or (since is None and until is None):
            return ordered
        return [row for row in ordered if self._passes(row.at, since, until)]

    def place(self, row: Row) -> Place:
        """Ascending in the order of the listing (for ``shuffled`` ties: up to the tie)."""
        if self.endpoint.sort in ("insertion", "shuffled"):
            return (0, 0, row.born)
        if self.endpoint.sort == "key":
            return (0, 0, row.id)
        null = 0 if row.at is not None else 1 if self.endpoint.nulls == "last" else -1
        tie = row.born if self.endpoint.ties == "insertion" else row.id
        sign = -1 if self.endpoint.sort == "desc" else 1
        return (null, sign * (row.at or 0), sign * tie)

    def show(self, row: Row) -> dict[str, Any]:
        """The row as the API sends it."""
        names = self.endpoint.names
        shown = None if row.at is None else self.endpoint.stamp.write(row.at, row.id)
        return {names.key: row.id, names.position: shown, **row.fields}

    def _passes(self, at: int | None, since: int | None, until: int | None) -> bool:
        if at is None:
            return self.endpoint.undated == "kept"
        is_late_enough = since is None or COMPARE[self.endpoint.compare](at, since)
        return is_late_enough and (until is None or at < until)

    def _ordered(self, rng: random.Random) -> list[Row]:
        moment = self.world.clock.now() - round(self.endpoint.lag * SECOND)
        endpoint = self.endpoint
        if endpoint.sort == "shuffled" or endpoint.ties == "shuffled":
            return self._shuffled(self.world.as_of(moment), rng)
        if not self.world.is_settled(moment):
            return sorted(self.world.as_of(moment), key=self.place)
        if self._sorted[0] != self.world.revision:
            self._sorted = (self.world.revision, sorted(self.world.newest(), key=self.place))
        return self._sorted[1]

    def _shuffled(self, rows: list[Row], rng: random.Random) -> list[Row]:
        rng.shuffle(rows)
        return rows if self.endpoint.sort == "shuffled" else sorted(rows, key=lambda row: self.place(row)[:2])


COMPARE: dict[str, Callable[[int, int], bool]] = {
    "closed": lambda at, since: at >= since,
    "open": lambda at, since: at > since,
    "closed_seconds": lambda at, since: at // SECOND >= since // SECOND,
    "open_seconds": lambda at, since: at // SECOND > since // SECOND,
}
