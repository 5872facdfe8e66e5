"""Ten minutes and a month of downtime in virtual time: counted exactly, one row, healed by the next run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from poller.core.ledger import Liveness
from poller.core.runs import Outcome, Report, RunKind
from tests.emulators.endpoint import Endpoint
from tests.emulators.faults import Dropped
from tests.emulators.scripted import Emulator
from tests.scenario.world import World, fill, frozen_clock, settings_text

DAY = timedelta(days=1)
SLOT = (datetime.now(UTC) + DAY).replace(minute=0, second=0, microsecond=0)
"""A slot of every schedule here. It lies ahead, because the voice's patience ends by the real clock."""


class TimeTraveller:
    """A world whose polls happen whenever the test says, by a process that came up when it says."""

    def __init__(self, world: World) -> None:
        self.world = world

    def poll_at(self, now: datetime, up_since: datetime) -> Report:
        runner = replace(self.world.house.runner(), clock=lambda: now)
        return runner.poll(self.world.stream, RunKind.POLL, Liveness(up_since, up_since))

    def missed(self) -> list[tuple[datetime, datetime, int, str, int | None]]:
        columns = "first_slot, last_slot, slots, reason, healed_by"
        rows = self.world.rows(f"SELECT {columns} FROM poller_missed_polls ORDER BY first_slot")
        return [(datetime.fromisoformat(a), datetime.fromisoformat(b), c, d, e) for a, b, c, d, e in rows]


@pytest.fixture
def travel(tmp_path: Path, empty_database: Path, request: pytest.FixtureRequest) -> Iterator[TimeTraveller]:
    database, endpoint = tmp_path / "mirror.db", Endpoint(paging="offset")
    database.write_bytes(empty_database.read_bytes())
    source = Emulator(endpoint, clock=frozen_clock())
    text = settings_text(source.base_url, database, endpoint, schedule=request.param)
    with World(tmp_path, source, text) as world:
        fill(world.model, 30)
        yield TimeTraveller(world)


@pytest.mark.parametrize("travel", ["5s"], indirect=True)
def test_ten_minutes_without_a_process_are_a_hundred_and_twenty_slots_healed_by_the_next_run(
    travel: TimeTraveller,
) -> None:
    before, back = SLOT, SLOT + timedelta(minutes=10, seconds=5)
    travel.poll_at(before + timedelta(milliseconds=40), up_since=before - DAY)
    travel.world.pass_time(600)
    travel.world.model.touch_many([3, 4])

    report = travel.poll_at(back + timedelta(seconds=1), up_since=back)

    first, last = before + timedelta(seconds=5), before + timedelta(minutes=10)
    assert travel.missed() == [(first, last, 120, "down", report.run_id)]
    assert report.slot == back
    assert travel.world.mirror() == travel.world.source.truth()


@pytest.mark.parametrize("travel", ["1s"], indirect=True)
def test_a_month_of_downtime_at_one_slot_a_second_is_one_row(travel: TimeTraveller) -> None:
    month = 30 * DAY
    travel.poll_at(SLOT, up_since=SLOT - DAY)

    report = travel.poll_at(SLOT + month, up_since=SLOT + month)

    seconds = 30 * 86_400
    one = timedelta(seconds=1)
    assert travel.missed() == [(SLOT + one, SLOT + month - one, seconds - 1, "down", report.run_id)]


@pytest.mark.parametrize("travel", ["5m"], indirect=True)
def test_the_next_run_heals_an_outage_in_the_middle_of_a_scan(travel: TimeTraveller) -> None:
    source, up_since = travel.world.source, SLOT - DAY
    source.fault(3, Dropped(), Dropped(), Dropped())

    broken = travel.poll_at(SLOT, up_since)
    open_rows = travel.missed()
    report = travel.poll_at(SLOT + timedelta(minutes=5), up_since)

    assert (broken.outcome, report.outcome) == (Outcome.FAILED, Outcome.OK)
    assert open_rows == [(SLOT, SLOT, 1, "unreachable", None)]
    assert travel.missed() == [(SLOT, SLOT, 1, "unreachable", report.run_id)]
    assert travel.world.mirror() == source.truth()


@pytest.mark.parametrize("travel", ["5s"], indirect=True)
def test_an_outage_over_two_restarts_that_heal_nothing_stays_open_until_a_poll_reads_to_its_end(
    travel: TimeTraveller,
) -> None:
    source, minute = travel.world.source, timedelta(minutes=1)
    travel.poll_at(SLOT, up_since=SLOT)
    source.down(Dropped())
    for turn in (1, 2):
        travel.poll_at(SLOT + turn * minute, up_since=SLOT + turn * minute)
    still_open = travel.missed()
    source.up()

    report = travel.poll_at(SLOT + 3 * minute, up_since=SLOT + 3 * minute)

    assert all(healed_by is None for *_, healed_by in still_open)
    assert sum(count for _, _, count, _, _ in travel.missed()) == 35
    assert {reason for _, _, _, reason, _ in travel.missed()} == {"down", "unreachable"}
    assert {healed_by for *_, healed_by in travel.missed()} == {report.run_id}
