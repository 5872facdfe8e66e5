"""Deletions that other streams and full listings tell of: tombstones, in the same page transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from poller.core.model import Burial, Source, Stream
from poller.core.page import Record, Reject
from poller.core.path import Path as JsonPath
from poller.core.steps import Listing
from poller.store.leases import acquire
from poller.store.memory import Memory
from poller.store.streams import ensure_streams
from tests.store.world import HOUR, ISSUES, MINUTE, World, checkpoint, issue, raw_record, record, text_at

GONE = replace(
    ISSUES,
    name="gone",
    table="crm_gone",
    burials=(Burial("crm.issues", (JsonPath("issue"),)),),
)


class Pair(World):
    """A stream and the feed of its deletions."""

    def __init__(self, path: Path, gone: Stream = GONE, issues: Stream = ISSUES) -> None:
        super().__init__(path, issues)
        self.gone, self.issues = gone, issues
        ensure_streams(self.database, [Source("crm", "https://api.example", (issues, gone))])
        acquire(self.database, ["crm"], self.owner, HOUR)
        self.memory = Memory(self.database, self.owner)

    def tell(self, *records: Record) -> int:
        """A poll of the feed; how many records went to the dead letters."""
        self.stream = self.gone
        try:
            return self.poll(*records).dead
        finally:
            self.stream = self.issues


def deletion(number: int, of: object, minutes: float) -> Record:
    return record({"id": number, "issue": of, "at": text_at(minutes)}, GONE)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path / "mirror.db")


def tombs(world: World) -> list[tuple[str, bool]]:
    found = world.rows("SELECT _key, _deleted_at IS NOT NULL FROM crm_issues ORDER BY _key")
    return [(key, bool(deleted)) for key, deleted in found]


def feed_of(world: World) -> list[tuple[int, str, str]]:
    return world.rows(
        "SELECT c.seq, op, key FROM poller_changes c JOIN poller_streams s ON s.id = stream_id"
        " WHERE s.name = 'crm.issues' ORDER BY c.seq"
    )


def test_what_a_feed_of_deletions_names_becomes_a_tombstone_that_keeps_its_columns(pair: Pair) -> None:
    pair.poll(issue(1, 0, title="kept"), issue(2, 0, title="gone"))

    pair.tell(deletion(70, 2, 5))

    assert tombs(pair) == [("1", False), ("2", True)]
    assert pair.rows("SELECT title, _position_text FROM crm_issues WHERE id = 2") == [("gone", text_at(5))]
    assert feed_of(pair) == [(1, "snapshot", "1"), (2, "snapshot", "2"), (3, "delete", "2")]


def test_a_deletion_that_is_told_twice_deletes_once(pair: Pair) -> None:
    pair.poll(issue(2, 0))
    pair.tell(deletion(70, 2, 5))

    pair.tell(deletion(70, 2, 5))

    assert len(feed_of(pair)) == 2


def test_an_entity_that_came_back_is_not_deleted_again_by_an_old_deletion(pair: Pair) -> None:
    pair.poll(issue(2, 0))
    pair.tell(deletion(70, 2, 5))
    pair.poll(issue(2, 9))

    pair.tell(deletion(70, 2, 5), deletion(71, 3, 6))

    assert tombs(pair) == [("2", False), ("3", True)]
    assert [op for _, op, _ in feed_of(pair)] == ["snapshot", "delete", "insert", "delete"]


def test_a_deletion_older_than_the_row_is_refused(pair: Pair) -> None:
    pair.poll(issue(2, 9))

    pair.tell(deletion(70, 2, 5))

    assert tombs(pair) == [("2", False)]


def test_an_older_version_that_comes_after_its_deletion_is_no_new_row(pair: Pair) -> None:
    pair.tell(deletion(70, 2, 5))

    refused = pair.poll(issue(2, 0))

    assert refused.refused == 1
    assert tombs(pair) == [("2", True)]
    assert pair.poll(issue(2, 8)).inserted == 1
    assert tombs(pair) == [("2", False)]


def test_a_deletion_that_names_no_key_is_a_dead_letter_and_its_page_mates_count(pair: Pair) -> None:
    pair.poll(issue(2, 0))

    dead = pair.tell(deletion(70, None, 5), deletion(71, 2, 6))

    assert dead == 1
    assert tombs(pair) == [("2", True)]
    assert (
        "names no deleted entity of crm.issues" in pair.rows("SELECT detail FROM poller_dead_letters")[0][0]
    )


@pytest.mark.parametrize(("kept", "told"), [("keys", 2), ("off", 0)])
def test_the_other_streams_change_feed_keeps_what_it_is_meant_to(
    tmp_path: Path, kept: str, told: int
) -> None:
    issues = replace(ISSUES, changes=kept)  # type: ignore[arg-type]
    gone = replace(GONE, burials=(Burial("crm.issues", (JsonPath("issue"),), kept),))  # type: ignore[arg-type]
    pair = Pair(tmp_path / "mirror.db", gone, issues)
    pair.poll(issue(2, 0))

    pair.tell(deletion(70, 2, 5))

    assert len(feed_of(pair)) == told
    assert pair.rows("SELECT seq FROM poller_streams WHERE name = 'crm.issues'") == [(2,)]
    assert all(before is None for (before,) in pair.rows("SELECT before FROM poller_changes"))


# --- full listings ------------------------------------------------------------------------------


def listing(world: World, *pages: list[Record], rejects: tuple[Reject, ...] = ()) -> int:
    """A run that lists everything, page by page; how many rows it deleted."""
    run = world.begin()
    began = world.clock
    deleted = 0
    for number, page in enumerate(pages):
        world.clock += timedelta(seconds=1)
        here = Listing(began, first=number == 0)
        if number < len(pages) - 1:
            world.page(run, page, rejects, checkpoint=checkpoint(began), listing=here)
        else:
            deleted = world.last_page(run, page, listing=here).deleted
    return deleted


def many(count: int) -> list[Record]:
    return [issue(number, 0) for number in range(count)]


def test_what_a_drained_listing_lacks_is_deleted(world: World) -> None:
    world.poll(*many(50))

    deleted = listing(world, many(50)[:20], many(50)[23:])

    assert deleted == 3
    assert [key for key, gone in tombs(world) if gone] == ["20", "21", "22"]
    assert [each[1:] for each in feed_of(world)[50:]] == [
        ("delete", "20"),
        ("delete", "21"),
        ("delete", "22"),
    ]
    assert world.rows("SELECT count(*) FROM poller_listed") == [(0,)]


def test_a_row_that_a_listing_shows_again_comes_back(world: World) -> None:
    world.poll(*many(50))
    listing(world, many(50)[1:])

    world.poll(issue(0, 0))

    assert all(not gone for _, gone in tombs(world))
    assert feed_of(world)[-1][1] == "insert"


def test_a_record_that_could_not_be_mirrored_was_listed_all_the_same(world: World) -> None:
    world.poll(*many(20))
    poisoned = Reject(b'{"id": 7, "n": NaN}', "value", "NaN", "7")

    deleted = listing(world, [each for each in many(20) if each.key != "7"], [], rejects=(poisoned,))

    assert deleted == 0


def test_two_rejected_records_of_one_key_on_a_page_are_one_row_of_the_listing(world: World) -> None:
    world.poll(*many(20))
    twice = (Reject(b'{"id": 7, "n": NaN}', "value", "NaN", "7"), Reject(b'{"id": 7}', "value", "deep", "7"))

    deleted = listing(world, [each for each in many(20) if each.key != "7"], [], rejects=twice)

    assert deleted == 0


def test_a_listing_with_a_record_whose_key_cannot_be_read_proves_no_deletion(world: World) -> None:
    world.poll(*many(20))
    nameless = Reject(b'{"id": [7]}', "key", "a list is no key")

    deleted = listing(world, [each for each in many(20) if each.key != "7"], [], rejects=(nameless,))

    assert deleted == 0
    ((kind, text),) = world.rows("SELECT kind, text FROM poller_notices")
    assert kind == "absent_kept"
    assert "1 of 20" in text


def test_rows_that_came_in_after_the_listing_began_are_not_judged(world: World) -> None:
    world.poll(*many(20))
    run = world.begin()
    began = world.clock
    world.page(run, many(10), listing=Listing(began, first=True), checkpoint=checkpoint(began))
    world.clock += MINUTE
    world.page(run, [issue(99, 1)], checkpoint=checkpoint(began))

    done = world.last_page(run, many(20)[10:], listing=Listing(began, first=False))

    assert done.deleted == 0
    assert ("99", False) in tombs(world)


@pytest.mark.parametrize("shown", [0, 30])
def test_a_listing_that_lacks_more_than_can_be_believed_deletes_nothing_and_says_so(
    world: World, shown: int
) -> None:
    world.poll(*many(50))

    deleted = listing(world, many(50)[:shown])

    assert deleted == 0
    assert all(not gone for _, gone in tombs(world))
    ((kind, text),) = world.rows("SELECT kind, text FROM poller_notices")
    assert kind == "absent_kept"
    assert f"{50 - shown} of 50" in text


def test_a_user_may_believe_more(tmp_path: Path) -> None:
    world = World(tmp_path / "mirror.db", replace(ISSUES, most_absent=0.5))
    world.poll(*many(50))

    assert listing(world, many(50)[:30]) == 20


def test_a_few_rows_may_go_whatever_part_of_a_small_mirror_they_are(world: World) -> None:
    world.poll(*many(4))

    assert listing(world, many(4)[:1]) == 3


def test_more_absent_rows_than_one_statement_takes_are_all_deleted(world: World) -> None:
    world.poll(*many(6000))

    deleted = listing(world, many(6000)[1100:])

    assert deleted == 1100
    assert [seq for seq, *_ in feed_of(world)] == list(range(1, 7101))


def test_a_listing_that_begins_again_forgets_what_it_had_shown(world: World) -> None:
    world.poll(*many(20))
    run = world.begin()
    began = world.clock
    world.page(run, many(20), listing=Listing(began, first=True), checkpoint=checkpoint(began))
    world.clock += MINUTE

    done = world.last_page(run, many(20)[1:], listing=Listing(world.clock, first=True))

    assert done.deleted == 1


def test_a_row_without_position_is_buried_too(world: World) -> None:
    world.poll(raw_record('{"id": 1}'), *many(12)[2:])

    assert listing(world, many(12)[2:]) == 1
