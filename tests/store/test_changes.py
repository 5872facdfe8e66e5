"""The change feed: every number once, over several streams, and a loud end where something is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from poller.core.errors import SnapshotNeeded
from poller.core.feed_token import Bookmark, FeedToken, read_token
from poller.core.model import Source, Stream
from poller.core.page import Record
from poller.core.path import Path as JsonPath
from poller.core.records import read_record
from poller.store.changes import ChangeView, changes_after, feed_end, newest_changes, snapshot
from poller.store.database import open_database
from poller.store.streams import ensure_streams
from tests.store.world import ISSUES, World, issue, raw_record

USERS = replace(ISSUES, name="users", table="crm_users")
BEGINNING = FeedToken()


def both(world: World) -> None:
    """The settings have two streams."""
    ensure_streams(world.database, [Source("crm", "https://api.example", (ISSUES, USERS))])


def poll(world: World, stream: Stream, *records: Record) -> None:
    world.stream = stream
    world.poll(*records)


def read(world: World, after: FeedToken, limit: int = 1000, names: Sequence[str] = ()) -> list[ChangeView]:
    return list(changes_after(world.database, after, names, limit).changes)


def numbers(changes: Sequence[ChangeView]) -> list[tuple[str, int]]:
    return [(change.stream.partition(".")[2], change.seq) for change in changes]


def switch(world: World, changes: Literal["full", "keys", "off"]) -> None:
    world.settle_in(replace(ISSUES, changes=changes))


def issues(world: World) -> Bookmark:
    """Where the feed of the issues ends now."""
    return feed_end(world.database, ["crm.issues"]).at("crm.issues")


# --- order and tokens -----------------------------------------------------------------------------


def test_several_streams_come_in_the_order_in_which_they_were_observed(world: World) -> None:
    both(world)
    poll(world, USERS, issue(1))
    poll(world, ISSUES, issue(1), issue(2))
    poll(world, USERS, issue(2))

    assert numbers(read(world, BEGINNING)) == [("users", 1), ("issues", 1), ("issues", 2), ("users", 2)]


def test_what_was_observed_at_one_moment_comes_in_the_order_of_the_streams_names(world: World) -> None:
    both(world)
    poll(world, USERS, issue(1), issue(2))
    poll(world, ISSUES, issue(1))
    poll(world, USERS, issue(3))
    world.do("UPDATE poller_changes SET observed_at = '2026-11-21T12:00:00.000000Z'")

    assert numbers(read(world, BEGINNING)) == [("issues", 1), ("users", 1), ("users", 2), ("users", 3)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pages_of_any_size_are_the_feed_in_pieces(world: World, size: int) -> None:
    both(world)
    for turn in range(5):
        poll(world, ISSUES, *(issue(key, turn) for key in range(3)))
        poll(world, USERS, issue(turn), issue(turn + 100))
    whole = read(world, BEGINNING)

    token, pieces = BEGINNING, list[ChangeView]()
    while page := changes_after(world.database, token, (), size).changes:
        pieces += page
        token = read_token(str(changes_after(world.database, token, (), size).end))

    assert pieces == whole
    assert len(whole) == 25


def test_more_rows_than_one_statement_reads_come_without_a_gap(world: World) -> None:
    world.poll(*(issue(key) for key in range(1234)))

    assert [change.seq for change in read(world, BEGINNING, 2000)] == list(range(1, 1235))
    assert [c.seq for c in newest_changes(world.database, (), 350).changes] == list(range(885, 1235))


def test_a_stream_that_was_added_later_begins_at_its_beginning(world: World) -> None:
    world.poll(issue(1), issue(2))
    token = changes_after(world.database, BEGINNING, (), 10).end
    both(world)

    poll(world, USERS, issue(7))

    assert numbers(read(world, token)) == [("users", 1)]


def test_a_stream_that_was_removed_keeps_its_place_and_its_changes(world: World) -> None:
    both(world)
    poll(world, USERS, issue(1), issue(2))
    token = changes_after(world.database, BEGINNING, (), 1).end
    world.settle_in(ISSUES)

    assert numbers(read(world, token)) == [("users", 2)]


def test_a_stream_that_the_database_does_not_know_is_carried_on(world: World) -> None:
    world.poll(issue(1))
    token = FeedToken({"other.rows": Bookmark(17, 4)})

    assert changes_after(world.database, token, (), 10).end.at("other.rows") == Bookmark(17, 4)


def test_streams_that_were_not_asked_for_keep_their_place(world: World) -> None:
    both(world)
    poll(world, USERS, issue(1))
    poll(world, ISSUES, issue(1))

    page = changes_after(world.database, BEGINNING, ["crm.issues"], 10)

    assert numbers(page.changes) == [("issues", 1)]
    assert numbers(read(world, page.end)) == [("users", 1)]


def test_the_newest_changes_have_a_token_that_goes_on_behind_them(world: World) -> None:
    both(world)
    poll(world, ISSUES, *(issue(key) for key in range(4)))
    poll(world, USERS, issue(1))

    page = newest_changes(world.database, (), 3)

    assert numbers(page.changes) == [("issues", 3), ("issues", 4), ("users", 1)]
    assert numbers(read(world, page.start)) == numbers(page.changes)
    assert read(world, page.end) == []
    poll(world, ISSUES, issue(9))
    assert numbers(read(world, page.end)) == [("issues", 5)]


# --- what a change says -----------------------------------------------------------------------------


def test_tombstones_and_revivals(world: World) -> None:
    world.poll(issue(1, 0, title="a"))
    world.poll(issue(1, 1, title="a", trashed=True, deleted=True))
    world.poll(issue(1, 2, title="back"))
    world.poll(issue(1, 3, title="on"))

    found = read(world, BEGINNING)

    assert [change.op for change in found] == ["snapshot", "delete", "insert", "update"]
    first, deleted, revived, updated = found
    assert (first.before, deleted.before) == (None, first.after)
    assert (deleted.after, revived.before) == (None, None)
    assert (updated.before, updated.after) == (revived.after, issue(1, 3, title="on").payload)


def test_a_deletion_that_a_flag_tells_is_one_in_the_feed_also_in_the_first_scan(world: World) -> None:
    world.settle_in(replace(ISSUES, deleted=JsonPath("status == 'trash'")))
    trash = '{"id": %d, "at": "2026-11-21T12:0%d:00Z", "status": "trash"}'
    alive = '{"id": %d, "at": "2026-11-21T12:0%d:00Z", "status": "open"}'
    stream = world.stream

    world.poll(raw_record(alive % (1, 0), stream, deleted=False), flagged(trash % (2, 0), stream))
    world.poll(flagged(trash % (1, 1), stream))
    world.poll(raw_record(alive % (2, 2), stream))

    found = read(world, BEGINNING)
    assert [(change.op, change.key) for change in found] == [
        ("snapshot", "1"),
        ("delete", "2"),
        ("delete", "1"),
        ("insert", "2"),
    ]
    assert [change.before for change in found] == [None, None, alive % (1, 0), None]


def flagged(payload: str, stream: Stream) -> Record:
    """A record whose own flag says that it is deleted."""
    read = read_record(stream, payload.encode())
    assert isinstance(read, Record)
    assert read.deleted
    return read


# --- how much is kept ---------------------------------------------------------------------------------


def test_keys_are_kept_without_the_records_and_counted_as_ever(world: World) -> None:
    switch(world, "keys")
    world.poll(issue(1, 0), issue(2, 0))
    world.poll(issue(1, 1))
    world.poll(issue(2, 2, deleted=True))

    found = read(world, BEGINNING)

    assert [(c.seq, c.op, c.key, c.before, c.after) for c in found] == [
        (1, "snapshot", "1", None, None),
        (2, "snapshot", "2", None, None),
        (3, "update", "1", None, None),
        (4, "delete", "2", None, None),
    ]


def test_without_a_feed_changes_are_counted_and_a_reader_is_told(world: World) -> None:
    switch(world, "off")
    world.poll(issue(1), issue(2))

    assert world.rows("SELECT seq, changes_floor FROM poller_streams") == [(2, 2)]
    with pytest.raises(SnapshotNeeded, match=r"changes 1 to 2 of crm.issues are no longer kept"):
        read(world, BEGINNING)


def test_a_reader_below_a_stretch_without_a_feed_is_told_and_one_above_it_goes_on(world: World) -> None:
    world.poll(issue(1, 0), issue(2, 0))
    before = feed_end(world.database, ())
    switch(world, "off")
    world.poll(issue(1, 1))
    after = feed_end(world.database, ())
    switch(world, "full")
    world.poll(issue(1, 2))

    with pytest.raises(SnapshotNeeded, match=r"changes 3 to 3 of crm.issues"):
        read(world, before)
    assert numbers(read(world, after)) == [("issues", 4)]
    assert numbers(newest_changes(world.database, (), 10).changes) == [("issues", 4)]


def test_a_poll_that_changed_nothing_without_a_feed_makes_no_hole(world: World) -> None:
    world.poll(issue(1, 0))
    token = feed_end(world.database, ())
    switch(world, "off")
    world.poll(issue(1, 0))
    switch(world, "full")

    world.poll(issue(1, 1))

    assert numbers(read(world, token)) == [("issues", 2)]


def test_the_way_from_records_to_keys_and_back_makes_no_hole(world: World) -> None:
    for turn, mode in enumerate(("full", "keys", "full", "keys")):
        switch(world, mode)  # type: ignore[arg-type]
        world.poll(issue(1, turn))

    found = read(world, BEGINNING)

    assert [(c.seq, c.before is not None, c.after is not None) for c in found] == [
        (1, False, True),
        (2, False, False),
        (3, True, True),
        (4, False, False),
    ]


@pytest.mark.parametrize("gone", ["seq = 2", "seq > 2", "seq < 3", "seq = 4"])
def test_a_row_that_somebody_took_out_of_the_feed_is_no_silent_hole(world: World, gone: str) -> None:
    world.poll(*(issue(key) for key in range(4)))
    world.do(f"DELETE FROM poller_changes WHERE {gone}")

    with pytest.raises(SnapshotNeeded, match=r"are no longer kept"):
        read(world, BEGINNING)


def test_a_token_of_a_database_that_was_made_anew_is_refused(world: World) -> None:
    world.poll(*(issue(key) for key in range(3)))
    end = issues(world)
    other = FeedToken({"crm.issues": replace(end, seq=1, born=(end.born or 0) - 1)})

    with pytest.raises(SnapshotNeeded, match=r"crm.issues was made anew since the token was given"):
        read(world, other)


def test_a_token_from_beyond_a_copy_that_was_put_back_is_refused(world: World, tmp_path: Path) -> None:
    world.poll(issue(1))
    world.do(f"VACUUM INTO '{tmp_path / 'copy.db'}'")
    world.poll(issue(1, 1))
    token = feed_end(world.database, ())
    copy = open_database(f"sqlite:///{tmp_path / 'copy.db'}")

    with pytest.raises(SnapshotNeeded, match=r"stands at change 1 and the reader at change 2"):
        changes_after(copy, token, (), 10)
    copy.close()


def test_a_reader_of_several_streams_hears_of_each_that_it_cannot_follow(world: World) -> None:
    both(world)
    for stream in (ISSUES, USERS):
        poll(world, replace(stream, changes="off"), issue(1))

    with pytest.raises(
        SnapshotNeeded, match=r"of crm.issues are no longer kept; .* of crm.users are"
    ) as told:
        read(world, BEGINNING)

    assert "poller changes crm.issues crm.users --snapshot" in (told.value.hint or "")


# --- snapshots ----------------------------------------------------------------------------------------


def rows_of(world: World, after: FeedToken = BEGINNING) -> tuple[dict[str, Any], FeedToken]:
    with snapshot(world.database, after, ()) as taken:
        return {row.key: row.after for row in taken.rows}, taken.token


def test_a_snapshot_has_the_living_rows_and_the_feed_goes_on_behind_it(world: World) -> None:
    switch(world, "off")
    world.poll(*(issue(key, 0) for key in range(250)))
    world.poll(issue(7, 1, deleted=True))
    switch(world, "full")

    rows, token = rows_of(world)

    assert sorted(map(int, rows)) == [key for key in range(250) if key != 7]
    assert rows["8"] == issue(8, 0).payload
    world.poll(issue(7, 2), issue(8, 2))
    assert [(c.seq, c.op, c.key) for c in read(world, token)] == [(252, "insert", "7"), (253, "update", "8")]


def test_a_snapshot_is_of_one_moment_whatever_is_committed_while_it_is_read(world: World) -> None:
    world.poll(*(issue(key, 0) for key in range(300)))

    with snapshot(world.database, BEGINNING, ()) as taken:
        rows = [next(taken.rows)]
        world.poll(*(issue(key, 1) for key in range(300)), issue(999, 1))
        rows += taken.rows

    assert {row.after for row in rows} == {issue(key, 0).payload for key in range(300)}
    assert len(read(world, taken.token)) == 301


def test_a_snapshot_of_one_stream_leaves_the_others_where_they_were(world: World) -> None:
    both(world)
    poll(world, ISSUES, issue(1))
    poll(world, USERS, issue(1))
    token = FeedToken({"crm.users": Bookmark(1), "other.rows": Bookmark(5)})

    with snapshot(world.database, token, ["crm.issues"]) as taken:
        found = [row.stream for row in taken.rows]

    assert found == ["crm.issues"]
    assert taken.token.moved({"crm.issues": Bookmark(0)}) == token.moved({"crm.issues": Bookmark(0)})
    assert taken.token.at("crm.issues").seq == 1
