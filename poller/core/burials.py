"""What the records of a feed of deletions say of another stream: tombstones, with the feed's own position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xxhash import xxh3_128_hexdigest

from poller.core.decide import Op, Write
from poller.core.keys import BadKey, key_of
from poller.core.model import Burial
from poller.core.page import Record, Reject


@dataclass(frozen=True, slots=True)
class Told:
    """``tombstones`` for the other stream; ``rejects`` name no entity of it."""

    tombstones: tuple[Record, ...]
    rejects: tuple[Reject, ...]


def told(burial: Burial, writes: Sequence[Write]) -> Told:
    """The deletions that new or changed records of the feed tell of.

    A record of the feed that did not change tells nothing again: the entity may have come back since.
    """
    tombstones: list[Record] = []
    rejects: list[Reject] = []
    for record, op, _, _ in writes:
        if op is Op.DELETE:
            continue
        key = key_of(burial.key, record.fields)
        if isinstance(key, BadKey):
            why = f"names no deleted entity of {burial.stream}: {key.why}"
            rejects.append(Reject(record.payload.encode(), "key", why, record.key))
        else:
            tombstones.append(_tombstone(key, record))
    return Told(tuple(tombstones), tuple(rejects))


def _tombstone(key: str, told_by: Record) -> Record:
    name = f"deleted\n{key}\n{told_by.position_text}"
    return Record(
        key=key,
        position=told_by.position,
        position_text=told_by.position_text,
        payload="{}",
        fields={},
        digest=xxh3_128_hexdigest(name.encode("utf-8", "surrogatepass")),
        deleted=True,
    )
