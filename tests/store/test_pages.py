"""The page transaction: all of it or nothing, newest versions, a gapless feed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from poller.core.command import Move
from poller.core.errors import Fenced, StoreError
from poller.core.page import Reject
from poller.core.position import canonical
from poller.core.steps import Committed, Finish, Notice, NoticeKind
from poller.store.memory import Memory
from poller.store.streams import move_watermark
from tests.store.world import ISSUES, World, at, attempt, checkpoint, issue, raw_record, text_at


def test_a_page_is_mirrored_with_typed_columns(world: World) -> None:
    done = world.poll(issue(1, title="a", votes=3, open=True), issue(2, title="b", votes=None, open=False))

    assert (done.inserted, done.fresh) == (2, 2)
    assert world.rows("SELECT id, title, votes, open, _key FROM crm_issues ORDER BY id") == [
        (1, "a", 3, 1, "1"),
        (2, "b", None, 0, "2"),
    ]
    assert world.rows("SELECT DISTINCT typeof(id), typeof(title), typeof(open) FROM crm_issues") == [
        ("integer", "text", "integer")
    ]


def test_the_payload_is_kept_as_it_was_received(world: World) -> None:
    payload = '{ "at":null , "id" : 7,  "n": 1.50, "big": 123456789012345678901234567890 }'

    world.poll(raw_record(payload))

    assert world.column("_payload") == [payload]
    assert world.column("big") == ["123456789012345678901234567890"]
    assert world.column("_position") == [None]


def test_an_unchanged_row_makes_no_write_and_no_change(world: World) -> None:
    world.poll(raw_record('{"id": 1, "a": 1, "b": [1, 2]}'))
    before = world.rows("SELECT * FROM crm_issues")

    done = world.poll(raw_record('{"b":[1,2],  "id":1,"a":1}'))

    assert done == Committed(unchanged=1)
    assert world.rows("SELECT * FROM crm_issues") == before
    assert world.rows("SELECT count(*) FROM poller_changes") == [(1,)]


def test_a_field_that_is_gone_becomes_null(world: World) -> None:
    world.poll(issue(1, 0, title="a", note="b"))

    world.poll(issue(1, 1, title="a"))

    assert world.rows("SELECT title, note FROM crm_issues") == [("a", None)]


def test_the_feed_counts_without_a_gap_and_says_what_happened(world: World) -> None:
    world.poll(issue(1, 0), issue(2, 0))
    world.poll(issue(1, 1), issue(3, 1))
    world.poll(issue(2, 2, deleted=True))
    world.poll(issue(2, 3))

    assert world.rows("SELECT seq, op, key FROM poller_changes ORDER BY seq") == [
        (1, "snapshot", "1"),
        (2, "snapshot", "2"),
        (3, "update", "1"),
        (4, "insert", "3"),
        (5, "delete", "2"),
        (6, "insert", "2"),
    ]
    assert world.rows("SELECT _key, _seq FROM crm_issues ORDER BY _key") == [("1", 3), ("2", 6), ("3", 4)]


def test_a_change_carries_the_record_before_and_after(world: World) -> None:
    old, new = issue(1, 0, title="a"), issue(1, 1, title="b")
    world.poll(old)

    world.poll(new)

    assert world.rows("SELECT before, after, position FROM poller_changes WHERE seq = 2") == [
        (old.payload, new.payload, "2026-11-21T12:01:00.000000000Z")
    ]


@pytest.mark.parametrize(("mode", "changes"), [("keys", [("snapshot", "1", None)]), ("off", [])])
def test_the_feed_holds_as_much_as_the_settings_ask(
    world: World, mode: str, changes: list[tuple[object, ...]]
) -> None:
    world.settle_in(replace(ISSUES, changes=mode))  # type: ignore[arg-type]

    world.poll(issue(1))

    assert world.rows("SELECT op, key, after FROM poller_changes") == changes
    assert world.column("_seq") == [1]


def test_a_tombstone_keeps_its_last_columns(world: World) -> None:
    world.poll(issue(1, 0, title="a"))

    done = world.poll(issue(1, 1, deleted=True))

    assert done == Committed(deleted=1)
    rows = world.rows("SELECT title, _deleted_at IS NOT NULL, _position FROM crm_issues")
    assert rows == [("a", 1, "2026-11-21T12:01:00.000000000Z")]


def test_an_entity_first_seen_deleted_is_a_tombstone(world: World) -> None:
    world.poll(issue(1, 0, title="a", deleted=True))

    assert world.rows("SELECT title, _deleted_at IS NOT NULL FROM crm_issues") == [("a", 1)]
    assert world.rows("SELECT op, after FROM poller_changes") == [("delete", None)]


def test_an_older_version_never_replaces_a_newer_one(world: World) -> None:
    world.poll(issue(1, 5, title="new"))

    done = world.poll(issue(1, 4, title="old"))

    assert done == Committed(refused=1)
    assert world.column("title") == ["new"]


def test_what_lay_ahead_of_the_servers_clock_gives_way_to_what_was_asked_for_later(world: World) -> None:
    world.poll(issue(1, 9999, title="dated ahead"), edge=at(1))

    world.poll(issue(1, 2, title="corrected"), edge=at(2))

    assert world.rows("SELECT title, _ahead FROM crm_issues") == [("corrected", 0)]


def test_our_clock_set_back_refuses_no_newer_version(world: World) -> None:
    world.poll(issue(1, None, title="old"))

    world.poll(issue(1, None, title="new"), requested_at=world.clock - timedelta(hours=5))

    assert world.column("title") == ["new"]


def test_a_reset_fences_off_the_run_under_way(world: World) -> None:
    world.poll(issue(1))
    run = world.begin()
    world.page(run, [issue(2)])
    before = world.rows("SELECT * FROM crm_issues")

    move_watermark(world.database, Move("crm.issues", at(-60), canonical(at(-60)), "me", "a test"))

    with pytest.raises(Fenced, match="epoch 1, the stream is in epoch 2"):
        world.last_page(run, [issue(3)])
    assert world.rows("SELECT * FROM crm_issues") == before
    assert world.rows("SELECT count(*) FROM poller_scans") == [(0,)]
    assert world.rows("SELECT who, why, to_position, epoch FROM poller_watermarks") == [
        ("me", "a test", "2026-11-21T11:00:00.000000000Z", 2)
    ]


CRASHES = [
    "BEFORE INSERT ON crm_issues",
    "AFTER INSERT ON crm_issues",
    "AFTER INSERT ON poller_changes",
    "AFTER UPDATE OF seq ON poller_streams",
    "AFTER INSERT ON poller_dead_letters",
    "AFTER UPDATE OF rows_read ON poller_runs",
    "AFTER INSERT ON poller_requests",
    "AFTER INSERT ON poller_notices",
    "AFTER UPDATE OF watermark ON poller_streams",
    "AFTER DELETE ON poller_scans",
    "AFTER UPDATE OF outcome ON poller_runs",
    "AFTER INSERT ON poller_coverage",
    "AFTER UPDATE OF healed_by ON poller_missed_polls",
]


@pytest.mark.parametrize("when", CRASHES)
def test_whatever_statement_fails_nothing_of_the_page_stands(world: World, when: str) -> None:
    world.failed_poll()
    run = world.begin()
    world.page(run, [issue(1, 0, title="a")])
    world.do(f"CREATE TRIGGER crash {when} BEGIN SELECT RAISE(ABORT, 'struck by lightning'); END")
    before = snapshot(world)
    proved = Finish(at(1), text_at(1), at(1), at(1))
    page = {
        "rejects": [Reject(b"{}", "key", "no key")],
        "attempts": [attempt()],
        "notices": (Notice(NoticeKind.PAGE_CAPPED, "70 of 100"),),
        "finish": proved,
    }

    with pytest.raises(StoreError, match="struck by lightning"):
        world.last_page(run, [issue(1, 1), issue(2, 1)], **page)

    assert snapshot(world) == before
    world.do("DROP TRIGGER crash")
    world.last_page(run, [issue(1, 1), issue(2, 1)], **page)
    assert world.column("_seq") == [2, 3]
    assert world.rows("SELECT outcome, healed FROM poller_runs ORDER BY id DESC LIMIT 1") == [("ok", 1)]


def snapshot(world: World) -> dict[str, list[tuple[object, ...]]]:
    names = [name for (name,) in world.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: world.rows(f'SELECT * FROM "{name}"') for name in names}


def test_a_failed_schema_step_leaves_the_old_table(world: World) -> None:
    world.poll(issue(1, 0, votes=1))
    world.do(
        "CREATE TRIGGER crash AFTER UPDATE ON poller_columns BEGIN SELECT RAISE(ABORT, 'lightning'); END"
    )
    run = world.begin()
    before = snapshot(world)

    with pytest.raises(StoreError, match="lightning"):
        world.page(run, [issue(1, 1, votes="many")])

    assert snapshot(world) == before


def test_a_crash_between_the_schema_step_and_the_page_leaves_only_a_wider_table(world: World) -> None:
    world.poll(issue(1, 0, votes=1))
    run = world.begin()
    world.do("CREATE TRIGGER crash BEFORE INSERT ON crm_issues BEGIN SELECT RAISE(ABORT, 'lightning'); END")
    with pytest.raises(StoreError, match="lightning"):
        world.page(run, [issue(1, 1, votes="many", label="new")])
    assert world.rows("SELECT votes, label, _seq FROM crm_issues") == [("1", None, 1)]

    world.do("DROP TRIGGER crash")
    world.poll(issue(1, 1, votes="many", label="new"))

    assert world.rows("SELECT votes, label, _seq FROM crm_issues") == [("many", "new", 2)]
    changes = world.rows(
        "SELECT kind, column_name, from_type, to_type FROM poller_schema_changes ORDER BY id"
    )
    assert changes[-2:] == [("column", "label", None, "text"), ("widened", "votes", "integer", "text")]


def test_a_lone_surrogate_costs_only_its_own_record(world: World) -> None:
    poisoned = issue(2, 0, title="x")
    poisoned = poisoned._replace(fields={**poisoned.fields, "title": "\ud800"})

    done = world.poll(issue(1, 0, title="a"), poisoned, issue(3, 0, title="c"))

    assert (done.inserted, done.dead) == (2, 1)
    assert world.column("_key") == ["1", "3"]
    assert world.rows("SELECT key, reason, payload, times FROM poller_dead_letters") == [
        ("2", "value", poisoned.payload.encode(), 1)
    ]


def test_a_dead_letter_is_kept_once_counted_and_closed_by_a_newer_version(world: World) -> None:
    bad = Reject(b'{"id": 1, "n": NaN}', "value", "NaN is no JSON", "1")
    world.poll(issue(1, 0), rejects=[bad])
    world.poll(rejects=[bad])
    assert world.rows("SELECT times, closed_at FROM poller_dead_letters") == [(2, None)]
    world.poll(issue(1, 0))
    assert world.rows("SELECT closed_at FROM poller_dead_letters") == [(None,)]

    world.poll(issue(1, 5))

    assert world.rows("SELECT closed_at IS NOT NULL, closed_by FROM poller_dead_letters") == [(1, 4)]
    world.poll(rejects=[bad])
    assert world.rows("SELECT times, closed_at FROM poller_dead_letters") == [(3, None)]


def test_the_checkpoint_is_read_back_and_the_finish_clears_it(world: World) -> None:
    run = world.begin()
    place = checkpoint(run.started_at, '{"offset": 100}')
    world.page(run, [issue(1)], checkpoint=place)
    state = world.memory.state(world.stream)
    known = replace(place, fresh=1)  # the memory adds what the page in front of the place brought
    assert (state.checkpoint, state.fingerprint, state.drained_once) == (known, "meaning-1", False)

    world.last_page(run, finish=Finish(at(3), text_at(3), at(4), at(5)))

    state = world.memory.state(world.stream)
    assert (state.checkpoint, state.watermark, state.watermark_text) == (None, at(3), text_at(3))
    assert (state.highest, state.complete_through, state.drained_once) == (at(4), at(5), True)


def test_a_finish_never_lowers_the_watermark(world: World) -> None:
    world.poll(finish=Finish(at(9), "nine", at(9), at(9)))

    world.poll(finish=Finish(at(3), "three", at(3), at(8)))

    state = world.memory.state(world.stream)
    assert (state.watermark, state.watermark_text, state.complete_through) == (at(9), "nine", at(9))


def test_coverage_is_one_range_until_a_reset_leaves_a_gap(world: World) -> None:
    world.poll(finish=Finish(at(1), "", at(1), at(5)))
    world.poll(finish=Finish(at(6), "", at(6), at(7)))
    ranges = "SELECT from_position, through_position FROM poller_coverage ORDER BY through_position"
    assert world.rows(ranges) == [(None, "2026-11-21T12:07:00.000000000Z")]

    move_watermark(world.database, Move("crm.issues", at(10), canonical(at(10)), "me", "skip a bad stretch"))
    world.poll(finish=Finish(at(11), "", at(11), at(12)))

    assert world.rows(ranges)[1:] == [("2026-11-21T12:10:00.000000000Z", "2026-11-21T12:12:00.000000000Z")]


def test_requests_notices_and_counts_are_written_with_the_page(world: World) -> None:
    run = world.begin()
    attempts = [attempt(status=503, error="HTTP 503"), attempt()]
    noticed = (Notice(NoticeKind.PAGE_CAPPED, "asked for 100, got 70"),)

    world.page(run, [issue(1)], attempts=attempts, notices=noticed)
    world.page(run, [issue(2)], attempts=[attempt()], notices=noticed)

    assert world.rows("SELECT pages, rows_read, inserted, requests, failed_requests FROM poller_runs") == [
        (2, 2, 2, 3, 1)
    ]
    assert world.rows("SELECT status, error, request_id FROM poller_requests ORDER BY id") == [
        (503, "HTTP 503", "req-1"),
        (200, None, "req-1"),
        (200, None, "req-1"),
    ]
    assert world.rows("SELECT kind, times FROM poller_notices") == [("page_capped", 2)]


def test_late_records_are_counted(world: World) -> None:
    done = world.poll(issue(1, 3), issue(2, 9), late_below=at(5), fresh_through=at(8))

    assert (done.late, done.fresh) == (1, 1)


def test_a_stream_without_since_covers_everything_up_to_where_it_read(world: World) -> None:
    world.settle_in(replace(ISSUES, since=None))

    world.poll(issue(1), finish=Finish(None, None, None, at(5)))

    assert world.rows("SELECT from_position, through_position FROM poller_coverage") == [
        (None, "2026-11-21T12:05:00.000000000Z")
    ]


def test_the_meaning_of_a_watermark_is_stored_once_and_given_up_by_a_reset(world: World) -> None:
    run = world.begin()
    world.page(run, [issue(1)])
    world.page(run, [issue(2)], checkpoint=replace(checkpoint(run.started_at), fingerprint="meaning-2"))
    assert world.memory.state(world.stream).fingerprint == "meaning-1"

    move_watermark(world.database, Move("crm.issues", None, None, "me", "from the start"))

    assert world.memory.state(world.stream).fingerprint is None


def test_another_memory_goes_on_with_a_run(world: World) -> None:
    run = world.begin()

    world.memory = Memory(world.database, world.owner)

    assert world.page(run, [issue(1)]).inserted == 1


def test_an_older_version_leaves_the_dead_letter_of_a_newer_one_open(world: World) -> None:
    newest = issue(1, 5, title="x")
    world.poll(newest._replace(fields={**newest.fields, "title": "\ud800"}))
    letters = "SELECT closed_by FROM poller_dead_letters"
    assert world.rows(letters) == [(None,)]

    world.poll(issue(1, 3, title="older"))
    assert world.rows(letters) == [(None,)]
    world.poll(issue(1, 7, title="newer"))

    assert world.rows(letters) == [(3,)]
