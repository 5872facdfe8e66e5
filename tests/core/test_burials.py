"""What a record of a feed of deletions says of another stream."""

from __future__ import annotations

from poller.core.burials import told
from poller.core.decide import Op, Write
from poller.core.model import Burial
from poller.core.page import Record
from poller.core.path import Path
from poller.core.position import SECOND

BURIAL = Burial("crm.issues", (Path("issue"),))


def write(issue: object, op: Op = Op.INSERT, position: int | None = 7 * SECOND) -> Write:
    record = Record('"70"', position, None if position is None else "7", "{}", {"issue": issue}, "digest")
    return Write(record, op, known=False, appears=True)


def test_a_new_record_makes_a_tombstone_with_the_feeds_own_position() -> None:
    news = told(BURIAL, [write(2)])

    (tombstone,) = news.tombstones
    assert (tombstone.key, tombstone.position, tombstone.deleted) == ("2", 7 * SECOND, True)
    assert news.rejects == ()


def test_two_deletions_of_one_entity_at_two_times_are_two_versions() -> None:
    first, second = told(BURIAL, [write(2), write(2, position=None)]).tombstones

    assert first.digest != second.digest


def test_a_record_that_names_nothing_is_rejected_and_one_that_is_deleted_itself_says_nothing() -> None:
    news = told(BURIAL, [write(None), write(3, Op.DELETE)])

    assert news.tombstones == ()
    (reject,) = news.rejects
    assert reject.reason == "key"
    assert "names no deleted entity of crm.issues" in reject.detail
