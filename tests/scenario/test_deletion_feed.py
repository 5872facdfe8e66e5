"""A feed of deletions names what was deleted: an item dies by it, and lives again when created again."""

from __future__ import annotations

import pytest

from poller.core.model import Stream
from poller.core.runs import Report, RunKind
from tests.emulators.families import FAMILIES
from tests.emulators.families.deletion_feed import Items
from tests.scenario.families import OpenReading, Reading


@pytest.fixture
def reading(open_reading: OpenReading) -> Reading:
    """Items and their deletions, read once; a minute has passed."""
    opened = open_reading(FAMILIES["feed of deletions"])
    opened.model.fill(100)
    opened.poll()
    opened.pass_time(60)
    return opened


def poll_one(reading: Reading, name: str) -> Report:
    """One poll of ``items`` or ``deleted_items``, which must end well."""
    stream: Stream = next(each for each in reading.streams if each.name == name)
    report = reading.house.runner().poll(stream, RunKind.MANUAL)
    assert report.error is None, report.error
    return report


def family(reading: Reading) -> Items:
    assert isinstance(reading.family, Items)
    return reading.family


def ops(reading: Reading, number: int) -> list[str]:
    """What the change feed says of one item."""
    named = "SELECT id FROM poller_streams WHERE name = 'store.items'"
    sql = f"SELECT op FROM poller_changes WHERE stream_id = ({named}) AND key = ? ORDER BY seq"
    return [op for (op,) in reading.rows(sql, str(number))]


def test_a_deleted_item_becomes_a_tombstone_and_the_feed_of_changes_says_so_once(reading: Reading) -> None:
    reading.model.delete(5)

    reading.poll()
    reading.quiet_poll()

    assert reading.tombstones() == {"5"}
    assert ops(reading, 5) == ["snapshot", "delete"]
    reading.assert_whole()
    reading.assert_feed_is_whole()


def test_an_item_that_was_created_again_lives_although_its_deletion_is_read_again(reading: Reading) -> None:
    reading.model.delete(5)
    reading.poll()
    reading.pass_time(10)
    reading.model.insert(id=5)

    reading.poll()
    reading.quiet_poll()

    assert reading.tombstones() == set()
    assert ops(reading, 5) == ["snapshot", "delete", "insert"]
    reading.assert_whole()


@pytest.mark.parametrize("order", [("items", "deleted_items"), ("deleted_items", "items")])
def test_deletion_and_new_life_between_two_polls_end_in_life_whichever_is_read_first(
    reading: Reading, order: tuple[str, str]
) -> None:
    reading.model.delete(5)
    reading.pass_time(10)
    reading.model.insert(id=5)

    for name in order:
        poll_one(reading, name)

    assert reading.tombstones() == set()
    reading.quiet_poll()
    reading.assert_whole()
    reading.assert_feed_is_whole()


def test_an_item_can_be_deleted_again(reading: Reading) -> None:
    for _ in range(2):
        reading.model.delete(5)
        reading.poll()
        reading.pass_time(10)
        reading.model.insert(id=5)
        reading.poll()
        reading.pass_time(10)
    reading.model.delete(5)

    reading.quiet_poll()

    assert ops(reading, 5) == ["snapshot", "delete", "insert", "delete", "insert", "delete"]
    assert reading.tombstones() == {"5"}
    reading.assert_whole()


def test_an_older_version_that_is_read_after_the_deletion_does_not_bring_the_item_back(
    reading: Reading,
) -> None:
    reading.model.update(5)
    reading.pass_time(5)
    reading.model.delete(5)
    family(reading).lag = 3
    reading.pass_time(1)

    poll_one(reading, "deleted_items")
    poll_one(reading, "items")

    assert reading.tombstones() == {"5"}
    family(reading).lag = 0
    reading.quiet_poll()
    reading.assert_whole()


def test_an_item_whose_deletion_is_all_that_was_ever_read_stays_dead(reading: Reading) -> None:
    born = reading.model.insert()
    reading.pass_time(5)
    reading.model.delete(born)
    family(reading).lag = 3
    reading.pass_time(1)

    poll_one(reading, "deleted_items")
    poll_one(reading, "items")

    family(reading).lag = 0
    reading.quiet_poll()
    assert str(born) not in reading.alive()
    reading.assert_whole()


def test_deletion_and_new_life_in_one_second_end_in_life(reading: Reading) -> None:
    reading.model.delete(5)
    reading.model.insert(id=5)

    reading.poll()
    reading.quiet_poll()
    reading.quiet_poll()

    reading.assert_whole()


def test_the_stream_of_deletions_has_a_table_of_its_own(reading: Reading) -> None:
    reading.model.delete(5)
    reading.model.delete(6)

    reading.poll()

    rows = reading.rows("SELECT item_id FROM store_deleted_items ORDER BY id")
    assert [number for (number,) in rows] == [5, 6]
