"""What the watermark may rest on: rows that come late, clocks that are wrong, stamps that cannot be read."""

from __future__ import annotations

import itertools
import time

import pytest

from tests.emulators.stamps import SECOND, Stamp
from tests.scenario.conftest import OpenWorld
from tests.scenario.test_rows_that_move import touch
from tests.scenario.world import Rewritten, fill

HOUR = 3600 * SECOND
NAIVE = "%Y-%m-%dT%H:%M:%S"


@pytest.mark.parametrize("paging", ["offset", "keyset_cursor", "next_url", "keyset"])
@pytest.mark.parametrize("compare", ["open", "open_seconds", "closed_seconds"])
def test_a_row_that_shares_the_watermarks_second_and_comes_later_is_found(
    open_world: OpenWorld, compare: str, paging: str
) -> None:
    world = open_world({"paging": paging, "compare": compare})
    fill(world.model, 30)
    moment = world.model.clock.now()
    world.model.insert(moment)
    world.poll()

    late = world.model.insert(moment)
    world.poll()

    assert late in world.mirror()
    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("compare", ["closed", "open"])
def test_two_changes_within_one_unit_are_both_seen_although_key_and_stamp_stay(
    open_world: OpenWorld, compare: str
) -> None:
    world = open_world({"paging": "offset", "compare": compare})
    fill(world.model, 30)
    world.model.update(7)
    world.poll()

    world.model.update(7)
    world.poll()

    assert world.mirror()[7]["version"] == 3
    assert [change.version for change in world.changes() if change.key == "7"] == [2, 3]


def test_a_filter_that_cuts_off_fractions_hides_nothing(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset", "compare": "open_seconds", "stamp": Stamp(digits=3)})
    world.model.unit = SECOND // 1000
    fill(world.model, 30)
    world.pass_time(0.2)
    world.model.insert()
    world.poll()

    world.pass_time(0.5)
    world.model.update(3)
    world.poll()

    assert world.mirror() == world.source.truth()


def test_a_transaction_that_commits_late_is_caught_by_the_lookback_and_counted(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset"}, since={"lookback": "10s"})
    fill(world.model, 30)
    slow = world.model.insert(visible_in=6)
    world.pass_time(2)
    world.model.insert()
    world.poll()
    seen_before_the_commit = slow in world.mirror()

    world.pass_time(5)
    report = world.poll()

    assert not seen_before_the_commit
    assert report.done.late == 1
    assert world.mirror() == world.source.truth()


def test_settle_waits_for_transactions_that_commit_late(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset"}, since={"settle": "10s"})
    fill(world.model, 30)
    world.model.insert(visible_in=6)
    world.pass_time(2)
    world.model.insert()
    world.poll()
    watermark = world.watermark()

    world.pass_time(5)
    world.poll()

    assert watermark == world.source.clock.now() - 15 * SECOND
    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("paging", ["offset", "keyset_cursor"])
@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_replicas_that_lag_in_turn_lose_nothing_within_the_lookback(
    open_world: OpenWorld, paging: str, sort: str
) -> None:
    world = open_world({"paging": paging, "sort": sort}, since={"lookback": "20s"})
    fill(world.model, 40)
    world.pass_time(10)
    turns = itertools.cycle([0, 8, 0, 5, 8, 0, 3])

    def next_replica(_: object) -> None:
        world.replica_is_behind(next(turns))

    world.source.between_pages(next_replica)
    for _ in range(2):
        world.model.touch_many(range(1, 16))
        world.pass_time(1)
        world.model.insert_many(3)
        world.any_poll()
    world.source.be_quiet()
    world.replica_is_behind(0)
    world.quiet_poll()

    assert world.mirror() == world.source.truth()
    versions = [change.version for change in world.changes() if change.key == "1"]
    assert versions == sorted(set(versions))  # type: ignore[type-var]


@pytest.mark.parametrize("hours", [-3, 3])
@pytest.mark.parametrize(("paging", "sort"), [("offset", "asc"), ("keyset_cursor", "desc")])
def test_a_server_whose_clock_is_not_ours_loses_nothing(
    open_world: OpenWorld, paging: str, sort: str, hours: int
) -> None:
    world = open_world({"paging": paging, "sort": sort})
    world.source.clock.freeze(time.time_ns() // SECOND * SECOND + hours * HOUR)
    fill(world.model, 30)
    world.poll()

    for _ in range(2):
        world.pass_time()
        world.model.insert()
        world.model.update(1)
        world.poll()

    assert world.watermark() == world.source.clock.now()
    assert world.mirror() == world.source.truth()


def test_a_server_without_a_clock_that_is_behind_ours_loses_nothing(open_world: OpenWorld) -> None:
    world = open_world({"paging": "keyset_cursor", "sort": "desc"})
    world.source.shows_date = False
    world.source.clock.freeze(time.time_ns() // SECOND * SECOND - 3 * HOUR)
    fill(world.model, 30)
    world.source.after_response(2, touch(1))

    world.poll()
    first = world.watermark()
    for _ in range(2):
        world.quiet_poll()

    assert first is None
    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("paging", ["offset", "keyset_cursor", "next_url", "keyset"])
def test_a_row_dated_years_ahead_is_mirrored_and_blinds_nobody(open_world: OpenWorld, paging: str) -> None:
    world = open_world({"paging": paging})
    fill(world.model, 30)
    ahead = world.model.insert(world.source.clock.now() + 3 * 365 * 24 * HOUR)
    world.poll()

    world.pass_time()
    world.model.insert()
    world.model.update(ahead, world.source.clock.now())
    world.poll()

    assert "position_ahead" in world.notices()
    assert world.watermark() == world.source.clock.now()
    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("nulls", ["first", "last"])
@pytest.mark.parametrize("paging", ["offset", "keyset_cursor", "offset_cursor", "after_key", "next_url"])
def test_rows_without_a_position_are_mirrored_and_leave_the_watermark_alone(
    open_world: OpenWorld, paging: str, nulls: str
) -> None:
    world = open_world({"paging": paging, "nulls": nulls, "cap": 7})
    fill(world.model, 30)
    for _ in range(16):
        world.model.insert(None)
    world.poll()
    watermark = world.watermark()

    world.pass_time()
    world.model.insert()
    world.poll()

    assert watermark == world.model.row(30).at
    assert "position_missing" in world.notices()
    assert world.mirror() == world.source.truth()


def test_positions_that_are_absent_or_unreadable_are_mirrored_and_leave_the_watermark_alone(
    open_world: OpenWorld,
) -> None:
    world = open_world({"paging": "offset"})
    fill(world.model, 30)
    never = "2026-02-31T00:00:00Z"
    strange = {3: "yesterday", 4: "", 5: "0000-00-00T00:00:00Z", 6: True, 7: {"at": 1}, 8: never}

    def spoil(page: dict[str, list[dict[str, object]]]) -> None:
        for row in page["rows"]:
            if row["id"] == 2:
                del row["updated_at"]
            elif row["id"] in strange:
                row["updated_at"] = strange[row["id"]]

    world.source.fault_next(*[Rewritten(spoil)] * 10)
    world.poll()

    mirrored = world.mirror()
    assert {key: mirrored[key]["updated_at"] for key in strange} == strange
    assert "updated_at" not in mirrored[2]
    assert len(mirrored) == 30
    assert world.watermark() == world.model.row(30).at
    assert "position_missing" in world.notices()


def test_offsets_mixed_in_one_stream_are_compared_as_instants(open_world: OpenWorld) -> None:
    stamp = Stamp(offsets=(0, 330, -480, 60))
    world = open_world({"paging": "offset", "stamp": stamp})
    fill(world.model, 60)
    world.poll()

    for number in (1, 2, 3, 4):
        world.pass_time()
        world.model.update(number)
        world.poll()

    assert world.watermark() == world.source.clock.now()
    assert world.mirror() == world.source.truth()
    assert "order_violated" not in world.notices()


def test_a_plus_in_since_arrives_as_a_plus(open_world: OpenWorld) -> None:
    stamp = Stamp(offsets=(120,))
    world = open_world({"paging": "offset", "stamp": stamp}, since={"format": "raw"})
    fill(world.model, 30)

    world.poll()
    world.pass_time()
    world.model.update(3)
    world.poll()

    sent = [entry.params["since"] for entry in world.source.log if "since" in entry.params]
    assert sent
    assert any("+02:00" in since for since in sent)
    assert all(entry.status == 200 for entry in world.source.log)
    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize(
    ("stamp", "since"),
    [
        (Stamp(style="unix"), {"format": "unix"}),
        (Stamp(style="unix_ms"), {"format": "unix_ms"}),
        (Stamp(style="naive", zone="Europe/Oslo"), {"format": NAIVE, "timezone": "Europe/Oslo"}),
        (Stamp(style="rfc3339", digits=9), {"format": "rfc3339"}),
    ],
)
def test_every_way_to_write_time_moves_the_watermark_exactly(
    open_world: OpenWorld, stamp: Stamp, since: dict[str, str]
) -> None:
    world = open_world({"paging": "offset", "stamp": stamp}, since=since)
    fill(world.model, 30, tied=12)
    world.poll()

    world.pass_time()
    world.model.touch_many([1, 2])
    world.poll()

    assert world.watermark() == world.source.clock.now()
    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("paging", ["offset", "keyset_cursor", "offset_cursor", "next_url"])
def test_a_server_that_ignores_since_is_noticed_and_mirrored_all_the_same(
    open_world: OpenWorld, paging: str
) -> None:
    world = open_world({"paging": paging, "compare": "ignored"})
    fill(world.model, 60)
    world.poll()
    world.pass_time()
    world.model.touch_many([1, 30])

    world.source.after_response(world.source.requests + 2, lambda model: model.update(5))
    world.poll()
    world.quiet_poll()

    assert "since_ignored" in world.notices()
    assert world.mirror() == world.source.truth()


def test_an_older_version_that_arrives_after_a_newer_one_is_refused(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset"}, since={"lookback": "1m"})
    fill(world.model, 30)
    old = dict(world.source.truth()[20])
    world.pass_time()
    world.model.update(20)
    world.poll()

    world.source.fault_next(Rewritten(lambda page: page["rows"].insert(0, old)))
    report = world.poll()

    assert report.done.refused == 1
    assert world.mirror() == world.source.truth()


def test_a_row_that_only_a_full_listing_shows_is_not_promised(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset"})
    fill(world.model, 30)
    world.poll()
    world.pass_time(60)
    world.model.insert()
    world.poll()

    world.model.change_silently(3)
    world.quiet_poll()

    assert world.mirror()[3]["version"] == 1


def test_the_watermark_never_goes_down_when_the_servers_clock_is_set_back(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset"}, since={"lookback": "5m"})
    fill(world.model, 30)
    world.poll()
    before = world.watermark()

    world.pass_time(-20)
    world.model.update(3)
    world.poll()

    assert world.watermark() == before
    assert world.mirror() == world.source.truth()
