"""The demo's truth: three collections of plausible records, as the API shows them, and how they change."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from poller.demo import words

Record = dict[str, Any]
Place = tuple[int, int]
"""A record's stamp in whole units of its collection, and its id: the order of every listing."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MARKED = re.compile(r'"\\u0000(-?[\d.]+)\\u0000"')
SHARE_OF_NEW = 0.3
BULK_EDIT = 130
"""Issues in one bulk edit: more than a page holds, all with the same second."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One collection. ``unit``: microseconds of one stamp; ``invent`` makes the fields of a new record."""

    name: str
    count: int
    stamp_field: str
    unit: int
    shows: Callable[[int], str | int]
    invent: Callable[[random.Random, int], Record]
    change: Callable[[random.Random, Record], Record]

    def cut(self, moment: datetime) -> int:
        return (moment - _EPOCH) // timedelta(microseconds=self.unit)


@dataclass(slots=True)
class Collection:
    """The records of one kind, in the order of (stamp, id)."""

    kind: Kind
    order: list[Place] = field(default_factory=list)
    stamps: dict[int, int] = field(default_factory=dict)
    records: dict[int, Record] = field(default_factory=dict)

    def put(self, number: int, record: Record, stamp: int) -> None:
        """Store a new record or a newer version under ``stamp``."""
        if number in self.stamps:
            del self.order[bisect_left(self.order, (self.stamps[number], number))]
        insort(self.order, (stamp, number))
        self.stamps[number] = stamp
        self.records[number] = {**record, self.kind.stamp_field: self.kind.shows(stamp)}

    def since(self, stamp: int | None) -> list[Place]:
        """The places at or after ``stamp``; None gives all."""
        return self.order if stamp is None else self.order[bisect_left(self.order, (stamp, 0)) :]

    def at(self, places: Iterable[Place]) -> list[Record]:
        return [self.records[number] for _, number in places]


class World:
    """All collections under one lock, one clock and one seed; changes stop while it is frozen."""

    def __init__(self, seed: int) -> None:
        self.lock = threading.RLock()
        self.frozen = False
        self.changes = 0
        self._dice = random.Random(seed)  # noqa: S311 (plausible, not secret)
        self.collections = {kind.name: Collection(kind) for kind in KINDS}
        for collection in self.collections.values():
            self._fill(collection, datetime.now(UTC))

    def change(self) -> None:
        """One record is added or changed, and stamped with now."""
        with self.lock:
            if self.frozen:
                return
            collection = self._dice.choice([*self.collections.values()])
            if self._dice.random() < SHARE_OF_NEW:
                number = len(collection.records) + 1
                record = {"id": number, **collection.kind.invent(self._dice, number)}
            else:
                number = self._dice.choice([*collection.records])
                record = self._changed(collection, number)
            self._stamp(collection, {number: record})

    def edit_in_bulk(self) -> None:
        """Many issues get one new assignee, in the same second."""
        with self.lock:
            if self.frozen:
                return
            issues = self.collections["issues"]
            numbers = self._dice.sample([*issues.records], BULK_EDIT)
            assignee = words.person(self._dice)
            edited = {number: {**issues.records[number], "assigned_to": assignee} for number in numbers}
            self._stamp(issues, edited)

    def counts(self) -> dict[str, int]:
        with self.lock:
            return {name: len(collection.records) for name, collection in self.collections.items()}

    def _fill(self, collection: Collection, now: datetime) -> None:
        """The first records, over the last ninety days, several to a second here and there."""
        kind = collection.kind
        for number in range(1, kind.count + 1):
            record = {"id": number, **kind.invent(self._dice, number)}
            age = timedelta(days=90) * (1 - number / (kind.count + 1))
            collection.put(number, record, kind.cut(now - age))
        imported = self._dice.sample(range(1, kind.count + 1), kind.count // 10)
        for number in imported:
            collection.put(number, collection.records[number], kind.cut(now - timedelta(days=30)))

    def _changed(self, collection: Collection, number: int) -> Record:
        old = collection.records[number]
        return {**old, **collection.kind.change(self._dice, old)}

    def _stamp(self, collection: Collection, versions: dict[int, Record]) -> None:
        stamp = collection.kind.cut(datetime.now(UTC))
        for number, record in versions.items():
            collection.put(number, record, stamp)
        self.changes += len(versions)


def keep_changing(world: World, per_second: float, stop: threading.Event) -> None:
    """Change records at that rate, and many at once every few seconds, until ``stop`` is set."""
    bulk_due = time.monotonic() + 3
    while not stop.wait(1 / per_second):
        world.change()
        if time.monotonic() >= bulk_due:
            world.edit_in_bulk()
            bulk_due = time.monotonic() + 7


def encode(document: object) -> bytes:
    """JSON in which every Decimal is a number with all its digits."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=_marked)
    return _MARKED.sub(r"\1", text).encode()


def _marked(value: object) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r} has no JSON form")
    return f"\x00{value}\x00"


def _whole_seconds(stamp: int) -> str:
    return (_EPOCH + timedelta(seconds=stamp)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _milliseconds(stamp: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=stamp)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{stamp % 1000:03d}Z"


KINDS = (
    Kind("issues", 2600, "updated_on", 1_000_000, _whole_seconds, words.issue, words.changed_issue),
    Kind("orders", 1600, "updated", 1_000_000, int, words.order, words.changed_order),
    Kind("contacts", 900, "modifiedAt", 1_000, _milliseconds, words.contact, words.changed_contact),
)
