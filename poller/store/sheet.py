"""The rows that one page writes: of the mirror, of its tombstones, and of the change feed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poller.core.decide import Op, Write
from poller.core.page import Record
from poller.core.position import Position, canonical


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the rows of one page share; ``moment`` is when their request was sent."""

    stream_id: int
    run_id: int
    moment: str
    edge: Position | None

    def meta(self, seq: int, record: Record) -> tuple[Any, ...]:
        """The meta columns of one row, in the order of ``META``."""
        moment = self.moment
        return (
            record.key,
            None if record.position is None else canonical(record.position),
            record.position_text,
            record.payload,
            record.digest,
            seq,
            moment,
            moment,
            moment if record.deleted else None,
            self.run_id,
            self._ahead(record),
        )

    def burial(self, seq: int, record: Record) -> tuple[Any, ...]:
        """The values of one tombstone, in the order of ``BURIED``."""
        key, position, text, _payload, digest, *_, ahead = self.meta(seq, record)
        return (position, text, digest, seq, self.moment, self.moment, self.run_id, ahead, key)

    def full(self, seq: int, write: Write, before: Mapping[str, str]) -> tuple[Any, ...]:
        """A change with the record before and after."""
        record = write.record
        after = None if write.op is Op.DELETE else record.payload
        position = None if record.position is None else canonical(record.position)
        return (
            self.stream_id,
            seq,
            write.op.value,
            record.key,
            before.get(record.key),
            after,
            position,
            self.moment,
            self.run_id,
        )

    def keys(self, seq: int, write: Write) -> tuple[Any, ...]:
        """A change that names the entity alone."""
        stream_id, _, op, key, _, _, *rest = self.full(seq, write, {})
        return (stream_id, seq, op, key, None, None, *rest)

    def _ahead(self, record: Record) -> int:
        return int(record.position is not None and self.edge is not None and record.position > self.edge)
