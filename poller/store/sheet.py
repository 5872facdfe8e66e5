"""The rows that one page writes: of the mirror, of its tombstones, and of the change feed.

They are made column by column: a page has thousands of rows, and most columns say the same of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, repeat
from typing import Any, NamedTuple

from poller.core.decide import Op, Write
from poller.core.page import Record
from poller.core.position import Position, canonical


class Lines(NamedTuple):
    """Some writes, their numbers in the change feed, and their positions as canonical text."""

    writes: Sequence[Write]
    numbers: Sequence[int]
    positions: Sequence[str | None]

    @property
    def records(self) -> list[Record]:
        return [write.record for write in self.writes]

    def where(self, chosen: Sequence[bool]) -> Lines:
        """The lines whose turn is true."""
        writes, numbers, positions = self
        return Lines(
            list(compress(writes, chosen)), list(compress(numbers, chosen)), list(compress(positions, chosen))
        )


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one page writes, numbered without a gap from ``first``. ``moment``: when its request was sent."""

    stream_id: int
    run_id: int
    moment: str
    edge: Position | None
    first: int
    writes: Sequence[Write]
    lines: Lines = field(init=False)
    shown: Lines = field(init=False)
    """What is written whole, and brings columns; a tombstone keeps the ones that it has."""
    buried: Lines = field(init=False)
    """Deletions of rows that exist."""

    def __post_init__(self) -> None:
        found = [write.record.position for write in self.writes]
        positions = [None if position is None else canonical(position) for position in found]
        lines = Lines(self.writes, range(self.first, self.first + len(self.writes)), positions)
        buried = [write.op is Op.DELETE and write.known for write in self.writes]
        object.__setattr__(self, "lines", lines)
        object.__setattr__(
            self, "shown", lines.where([not each for each in buried]) if any(buried) else lines
        )
        object.__setattr__(self, "buried", lines.where(buried))

    @property
    def last(self) -> int:
        """The number of the last change."""
        return self.first + len(self.writes) - 1

    @property
    def replaced(self) -> list[str]:
        """Keys of living rows that are about to change."""
        return [write.record.key for write in self.writes if write.known and not write.appears]

    def rows(self, columns: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """The rows of ``shown``: the meta columns in the order of ``META``, then ``columns``."""
        keys, places, texts, payloads, _, digests, deleted = zip(*self.shown.records, strict=True)
        moments = repeat(self.moment)
        meta: Sequence[Iterable[Any]] = (
            keys,
            self.shown.positions,
            texts,
            payloads,
            digests,
            self.shown.numbers,
            moments,
            moments,
            [self.moment if gone else None for gone in deleted],
            repeat(self.run_id),
            self._ahead(places),
        )
        return list(zip(*meta, *columns, strict=False))  # what is repeated has no end

    def burials(self) -> list[tuple[Any, ...]]:
        """The values of the tombstones, in the order of ``BURIED``."""
        keys, places, texts, _, _, digests, _ = zip(*self.buried.records, strict=True)
        moments = repeat(self.moment)
        values: Sequence[Iterable[Any]] = (
            self.buried.positions,
            texts,
            digests,
            self.buried.numbers,
            moments,
            moments,
            repeat(self.run_id),
            self._ahead(places),
            keys,
        )
        return list(zip(*values, strict=False))

    def changes(self, before: Mapping[str, str]) -> list[tuple[Any, ...]]:
        """The changes, each with the record before and after."""
        keys = [write.record.key for write in self.writes]
        after = [None if write.op is Op.DELETE else write.record.payload for write in self.writes]
        return self._feed(keys, [before.get(key) for key in keys] if before else repeat(None), after)

    def keys(self) -> list[tuple[Any, ...]]:
        """The changes, each naming its entity alone."""
        return self._feed([write.record.key for write in self.writes], repeat(None), repeat(None))

    def _feed(
        self, keys: Iterable[str], before: Iterable[str | None], after: Iterable[str | None]
    ) -> list[tuple[Any, ...]]:
        _, numbers, positions = self.lines
        ops = [write.op.value for write in self.writes]
        same = (repeat(self.moment), repeat(self.run_id))
        rows = zip(repeat(self.stream_id), numbers, ops, keys, before, after, positions, *same, strict=False)
        return list(rows)

    def _ahead(self, places: Iterable[Position | None]) -> Iterable[int]:
        edge = self.edge
        if edge is None:
            return repeat(0)
        return [int(place is not None and place > edge) for place in places]
