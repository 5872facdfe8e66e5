"""What one page does to the mirror: a record and the held version of its key become a write, or nothing.

A version is never replaced by an older one. Where two positions cannot be compared, the response
to the later-started request wins: both are absent or equal, one is a moment and the other a number
(a feed of deletions counts otherwise than the rows do), both lie in the autumn hour of a zone without
offsets, or the held one lay beyond the server's clock when it was stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from poller.core.page import Record
from poller.core.position import Position, TimeFormat, canonical, from_canonical, is_ambiguous
from poller.core.steps import Committed


class Op(StrEnum):
    """What a change says of an entity."""

    SNAPSHOT = "snapshot"
    """A row of the stream's first scan."""
    INSERT = "insert"
    """A new entity, or one that came back after a deletion."""
    UPDATE = "update"
    DELETE = "delete"


class Held(NamedTuple):
    """The version that the mirror holds. A NamedTuple because a page looks up thousands.

    ``position`` is canonical text (it sorts as the position does); ``ahead`` says that it lay
    beyond the server's clock; ``changed_at`` is the :func:`stamp` of the request that brought it.
    """

    digest: str
    position: str | None
    ahead: bool
    changed_at: str
    deleted: bool


class Write(NamedTuple):
    """One entity to write. ``known``: the mirror has a row (alive or tombstone) for its key;
    ``appears``: it is new, or comes back after a deletion.
    """

    record: Record
    op: Op
    known: bool
    appears: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """The circumstances under which a page's versions are compared.

    The fields are those of :class:`poller.core.steps.Commit`; ``how`` is the stream's way of
    writing time; ``snapshot`` is true until the stream's first scan is drained.
    """

    requested_at: datetime
    snapshot: bool = False
    newest_first: bool = False
    late_below: Position | None = None
    fresh_through: Position | None = None
    how: TimeFormat = field(default_factory=TimeFormat)


@dataclass(frozen=True, slots=True)
class Batch:
    """``writes`` in the order of the page, one per key; ``committed`` counts every record once."""

    writes: tuple[Write, ...]
    committed: Committed


def decide(records: Sequence[Record], held: Mapping[str, Held], terms: Terms) -> Batch:
    """The writes that ``records`` ask for, given the held versions of their keys.

    A record that its page-mate outdates counts as ``refused``, or as ``unchanged`` when the
    two are the same.
    """
    newest, repeated, outdated = _newest_per_key(records, terms)
    requested = stamp(terms.requested_at)
    writes: list[Write] = []
    unchanged, refused = repeated, outdated
    for record in newest:
        old = held.get(record.key)
        if old is None:
            writes.append(Write(record, _op(record, not record.deleted, terms), False, not record.deleted))
        elif old.digest == record.digest and old.deleted == record.deleted:
            unchanged += 1
        elif not _replaces(record, old, requested, terms.how):
            refused += 1
        else:
            appears = old.deleted and not record.deleted
            writes.append(Write(record, _op(record, appears, terms), True, appears))
    return Batch(tuple(writes), _count(writes, terms, unchanged, refused))


def stamp(moment: datetime) -> str:
    """A moment as fixed-width UTC text with microseconds: sorts as the moment does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _newest_per_key(records: Sequence[Record], terms: Terms) -> tuple[list[Record], int, int]:
    """One record per key; how many page-mates said the same, and how many were older."""
    chosen: dict[str, Record] = {}
    repeated = outdated = 0
    for record in records:
        other = chosen.setdefault(record.key, record)
        if other is record:
            continue
        if other.digest == record.digest and other.deleted == record.deleted:
            repeated += 1
            continue
        outdated += 1
        if _follows(record, other, terms):
            chosen[record.key] = record
    return list(chosen.values()), repeated, outdated


def _follows(later: Record, earlier: Record, terms: Terms) -> bool:
    """Whether the record further down the page is the newer version."""
    if later.position is None or earlier.position is None or later.position == earlier.position:
        return not terms.newest_first
    if is_ambiguous(later.position, terms.how) and is_ambiguous(earlier.position, terms.how):
        return not terms.newest_first
    return later.position > earlier.position


def _replaces(record: Record, old: Held, requested: str, how: TimeFormat) -> bool:
    if record.position is None or old.position is None or old.ahead:
        return requested >= old.changed_at
    position = canonical(record.position)
    if position == old.position or (position[-1] == "Z") != (old.position[-1] == "Z"):  # a moment, a number
        return requested >= old.changed_at
    if is_ambiguous(record.position, how) and is_ambiguous(from_canonical(old.position), how):
        return requested >= old.changed_at
    return position > old.position


def _op(record: Record, appears: bool, terms: Terms) -> Op:  # noqa: FBT001 (a fact, no switch)
    if record.deleted:
        return Op.DELETE  # also in the first scan: a reader must not take a tombstone for a row
    if terms.snapshot:
        return Op.SNAPSHOT
    return Op.INSERT if appears else Op.UPDATE


def _count(writes: Sequence[Write], terms: Terms, unchanged: int, refused: int) -> Committed:
    below, through = terms.late_below, terms.fresh_through
    places = [write.record.position for write in writes]
    alive = [write.record.position for write in writes if write.op is not Op.DELETE]
    inserted = sum([write.appears for write in writes])
    return Committed(
        inserted=inserted,
        updated=len(alive) - inserted,
        unchanged=unchanged,
        deleted=len(writes) - len(alive),
        refused=refused,
        late=0 if below is None else sum(place is not None and place < below for place in places),
        fresh=len(alive) if through is None else sum(place is None or place <= through for place in alive),
    )
