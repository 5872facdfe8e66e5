"""Which version of an entity wins, and what that makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.core.decide import Batch, Held, Op, Terms, decide, stamp
from poller.core.page import Record
from poller.core.position import NUMBERS, Position, TimeFormat, canonical, parse
from poller.core.steps import Committed

T0 = datetime(2026, 11, 21, 12, tzinfo=UTC)
BEFORE, AFTER = T0 - timedelta(minutes=1), T0 + timedelta(minutes=1)
OSLO = TimeFormat(zone="Europe/Oslo")


def record(key: str, position: Position | None, content: str, *, deleted: bool = False) -> Record:
    return Record(key, position, None, "{}", {}, content, deleted)


def held(
    position: Position | None,
    content: str,
    *,
    sent: datetime = T0,
    ahead: bool = False,
    deleted: bool = False,
) -> Held:
    return Held(content, None if position is None else canonical(position), ahead, stamp(sent), deleted)


def oslo(text: str) -> Position:
    found = parse(text, OSLO)
    assert found is not None
    return found


SUMMER = oslo("2026-10-25T01:59:00")
AUTUMN, LATER_IN_AUTUMN = oslo("2026-10-25T02:10:00"), oslo("2026-10-25T02:50:00")
WINTER = oslo("2026-10-25T03:01:00")

VERSIONS = [
    # what the mirror holds           what comes   asked at  how    written?
    ("a newer position", held(5, "a"), 6, AFTER, TimeFormat(), True),
    ("an older position", held(5, "a"), 4, AFTER, TimeFormat(), False),
    ("a newer position, asked for earlier", held(5, "a"), 6, BEFORE, TimeFormat(), True),
    ("the same position, asked for later", held(5, "a"), 5, AFTER, TimeFormat(), True),
    ("the same position, asked for at once", held(5, "a"), 5, T0, TimeFormat(), True),
    ("the same position, asked for earlier", held(5, "a"), 5, BEFORE, TimeFormat(), False),
    ("no position, asked for later", held(5, "a"), None, AFTER, TimeFormat(), True),
    ("no position, asked for earlier", held(5, "a"), None, BEFORE, TimeFormat(), False),
    ("a number where a moment was held, later", held(5, "a"), NUMBERS + 7, AFTER, TimeFormat(), True),
    ("a number where a moment was held, earlier", held(5, "a"), NUMBERS + 7, BEFORE, TimeFormat(), False),
    ("a moment where a number was held, earlier", held(NUMBERS + 7, "a"), 5, BEFORE, TimeFormat(), False),
    ("a position where none was held", held(None, "a"), 5, BEFORE, TimeFormat(), False),
    ("a position where none was, later", held(None, "a"), 5, AFTER, TimeFormat(), True),
    ("behind one dated ahead, later", held(9, "a", ahead=True), 5, AFTER, TimeFormat(), True),
    ("behind one dated ahead, earlier", held(9, "a", ahead=True), 5, BEFORE, TimeFormat(), False),
    ("both in the autumn hour, later", held(LATER_IN_AUTUMN, "a"), AUTUMN, AFTER, OSLO, True),
    ("both in the autumn hour, earlier", held(AUTUMN, "a"), LATER_IN_AUTUMN, BEFORE, OSLO, False),
    ("before the autumn hour", held(AUTUMN, "a"), SUMMER, AFTER, OSLO, False),
    ("after the autumn hour", held(AUTUMN, "a"), WINTER, BEFORE, OSLO, True),
]


@pytest.mark.parametrize(
    ("old", "position", "asked", "how", "written"),
    [row[1:] for row in VERSIONS],
    ids=[row[0] for row in VERSIONS],
)
def test_a_version_is_never_replaced_by_an_older_one(
    old: Held, position: Position | None, asked: datetime, how: TimeFormat, *, written: bool
) -> None:
    batch = decide([record("k", position, "b")], {"k": old}, Terms(asked, how=how))

    assert batch.committed == (Committed(updated=1, fresh=1) if written else Committed(refused=1))
    assert [write.op for write in batch.writes] == ([Op.UPDATE] if written else [])


@pytest.mark.parametrize("position", [4, 5, 6, None])
def test_the_same_content_is_unchanged_wherever_it_stands(position: Position | None) -> None:
    batch = decide([record("k", position, "a")], {"k": held(5, "a")}, Terms(AFTER))

    assert batch == Batch((), Committed(unchanged=1))


@pytest.mark.parametrize(
    ("old", "deleted", "snapshot", "op", "counted"),
    [
        (None, False, True, Op.SNAPSHOT, Committed(inserted=1, fresh=1)),
        (None, False, False, Op.INSERT, Committed(inserted=1, fresh=1)),
        (None, True, True, Op.DELETE, Committed(deleted=1)),
        (None, True, False, Op.DELETE, Committed(deleted=1)),
        (held(1, "a"), False, True, Op.SNAPSHOT, Committed(updated=1, fresh=1)),
        (held(1, "a"), False, False, Op.UPDATE, Committed(updated=1, fresh=1)),
        (held(1, "a"), True, False, Op.DELETE, Committed(deleted=1)),
        (held(1, "b"), True, False, Op.DELETE, Committed(deleted=1)),
        (held(1, "a", deleted=True), False, False, Op.INSERT, Committed(inserted=1, fresh=1)),
        (held(1, "b", deleted=True), False, False, Op.INSERT, Committed(inserted=1, fresh=1)),
        (held(1, "a", deleted=True), True, False, Op.DELETE, Committed(deleted=1)),
    ],
)
def test_what_a_write_says_of_its_entity(
    old: Held | None, op: Op, counted: Committed, *, deleted: bool, snapshot: bool
) -> None:
    known = {} if old is None else {"k": old}

    batch = decide([record("k", 2, "b", deleted=deleted)], known, Terms(AFTER, snapshot=snapshot))

    assert [(write.op, write.known) for write in batch.writes] == [(op, old is not None)]
    assert batch.committed == counted


@pytest.mark.parametrize(
    ("positions", "newest_first", "chosen", "counted"),
    [
        ((5, 4), False, "first", Committed(inserted=1, refused=1, fresh=1)),
        ((4, 5), False, "second", Committed(inserted=1, refused=1, fresh=1)),
        ((4, 5), True, "second", Committed(inserted=1, refused=1, fresh=1)),
        ((5, 5), False, "second", Committed(inserted=1, refused=1, fresh=1)),
        ((5, 5), True, "first", Committed(inserted=1, refused=1, fresh=1)),
        ((None, 5), False, "second", Committed(inserted=1, refused=1, fresh=1)),
        ((5, None), True, "first", Committed(inserted=1, refused=1, fresh=1)),
        ((LATER_IN_AUTUMN, AUTUMN), False, "second", Committed(inserted=1, refused=1, fresh=1)),
        ((AUTUMN, LATER_IN_AUTUMN), True, "first", Committed(inserted=1, refused=1, fresh=1)),
    ],
)
def test_the_newest_version_on_a_page_is_written(
    positions: tuple[Position | None, Position | None], chosen: str, counted: Committed, *, newest_first: bool
) -> None:
    page = [record("k", positions[0], "first"), record("k", positions[1], "second")]

    batch = decide(page, {}, Terms(T0, newest_first=newest_first, how=OSLO))

    assert [write.record.digest for write in batch.writes] == [chosen]
    assert batch.committed == counted


def test_a_record_that_stands_twice_on_a_page_is_unchanged_the_second_time() -> None:
    batch = decide([record("k", 1, "a"), record("k", 1, "a")], {}, Terms(T0))

    assert batch.committed == Committed(inserted=1, unchanged=1, fresh=1)


def test_what_only_the_lookback_found_is_late_and_what_moved_after_the_edge_is_not_fresh() -> None:
    page = [record("a", 1, "a"), record("b", 5, "b"), record("c", 9, "c"), record("d", None, "d")]

    batch = decide(page, {}, Terms(T0, late_below=5, fresh_through=5))

    assert batch.committed == Committed(inserted=4, late=1, fresh=3)


class Model:
    """The simplest thing that could be right: a dictionary, one version at a time."""

    def __init__(self) -> None:
        self.rows: dict[str, Held] = {}

    def take(self, key: str, position: int, content: str, sent: datetime, *, deleted: bool) -> None:
        old = self.rows.get(key)
        if old is not None and old.digest == content and old.deleted == deleted:
            return
        if old is None or old.position is None or canonical(position) >= old.position:
            self.rows[key] = held(position, content, sent=sent, deleted=deleted)


VERSION = st.tuples(st.sampled_from("xyz"), st.integers(0, 5), st.sampled_from("abc"), st.booleans())


@given(st.lists(st.lists(VERSION, max_size=6), max_size=6))
def test_pages_in_any_order_leave_what_a_dictionary_would(
    pages: Sequence[list[tuple[str, int, str, bool]]],
) -> None:
    model, mirror = Model(), dict[str, Held]()

    for number, page in enumerate(pages):
        sent = T0 + timedelta(seconds=number)
        newest: dict[str, tuple[str, int, str, bool]] = {}
        for version in page:
            older = newest.get(version[0])
            if older is None or (version[1] >= older[1] and version[2:] != older[2:]):
                newest[version[0]] = version
        for key, position, content, deleted in newest.values():
            model.take(key, position, content, sent, deleted=deleted)
        batch = decide([record(k, p, c, deleted=d) for k, p, c, d in page], mirror, Terms(sent))
        for record_, *_ in batch.writes:
            mirror[record_.key] = held(record_.position, record_.digest, sent=sent, deleted=record_.deleted)
        counted = batch.committed
        assert len(page) == (
            counted.inserted + counted.updated + counted.deleted + counted.unchanged + counted.refused
        )

    assert mirror == model.rows
