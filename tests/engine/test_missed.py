"""The real daemon on a schedule of one second misses polls for every reason, and the next run heals them."""

from __future__ import annotations

import signal
import time
from datetime import timedelta

from tests.emulators.faults import Dropped, Slow
from tests.engine.conftest import OpenSite
from tests.engine.house import Missed, Site, until
from tests.scenario.world import fill

SECOND = timedelta(seconds=1)


def healed(site: Site, reason: str) -> bool:
    return any(each.reason == reason and each.healed_by is not None for each in site.missed())


def is_one_stretch(missed: Missed) -> bool:
    return missed.last - missed.first == (missed.count - 1) * SECOND


def test_a_daemon_that_was_down_finds_every_slot_of_it_missed_and_heals_them(open_site: OpenSite) -> None:
    site = open_site(schedule="1s")
    fill(site.model, 30)
    with site.run() as daemon:
        until(lambda: site.polls() >= 2)
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0

    site.model.insert()
    time.sleep(3)
    with site.run() as daemon:
        until(lambda: healed(site, "down"))
        listed = site.listed("missed")
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0

    (down,) = [each for each in site.missed() if each.reason == "down"]
    ((first_new, healed_slots),) = site.rows(
        "SELECT first_slot, healed FROM poller_runs WHERE id = ?", down.healed_by
    )
    assert down.count >= 2
    assert is_one_stretch(down)
    assert healed_slots >= down.count
    assert first_new is not None
    assert ("down", down.count) in {(row["reason"], row["count"]) for row in listed}
    assert site.mirror() == site.source.truth()
    assert site.slots_add_up()


def test_an_api_that_is_dead_for_some_seconds_is_unreachable_and_the_next_run_heals_it(
    open_site: OpenSite,
) -> None:
    site = open_site(schedule="1s")
    fill(site.model, 30)
    with site.run() as daemon:
        until(lambda: site.polls() >= 1)
        site.source.down(Dropped())
        until(lambda: any(each.reason == "unreachable" and each.count >= 2 for each in site.missed()))
        site.model.insert()
        site.source.up()
        until(lambda: healed(site, "unreachable"))
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0

    unreachable = [each for each in site.missed() if each.reason == "unreachable"]
    assert all(is_one_stretch(each) and each.healed_by is not None for each in unreachable)
    assert len(unreachable) == 1
    assert site.mirror() == site.source.truth()
    assert site.slots_add_up()
    assert "Traceback" not in daemon.said


def test_a_process_that_stood_still_was_suspended(open_site: OpenSite) -> None:
    site = open_site(schedule="1s")
    fill(site.model, 30)
    with site.run() as daemon:
        until(lambda: site.polls() >= 1)
        daemon.signal(signal.SIGSTOP)
        time.sleep(8)
        daemon.signal(signal.SIGCONT)
        until(lambda: healed(site, "suspended"))
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0

    (suspended,) = [each for each in site.missed() if each.reason == "suspended"]
    assert 6 <= suspended.count <= 9
    assert is_one_stretch(suspended)
    assert site.slots_add_up()


def test_after_a_kill_the_next_start_goes_on_at_once_and_the_ledger_says_killed_and_down(
    open_site: OpenSite,
) -> None:
    site = open_site(schedule="1s")
    fill(site.model, 60)
    site.source.fault(4, Slow(20))
    with site.run() as daemon:
        until(lambda: site.source.requests == 4)
        daemon.signal(signal.SIGKILL)
        assert daemon.ended() == -signal.SIGKILL
    read_before = len(site.mirror())

    time.sleep(2)
    started = time.monotonic()
    with site.run() as daemon:
        until(lambda: site.polls() >= 1)
        waited = time.monotonic() - started
        until(lambda: healed(site, "down") and healed(site, "killed"))
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0

    assert 0 < read_before < 60
    assert waited < 10
    assert site.mirror() == site.source.truth()
    assert [change.seq for change in site.changes()] == list(range(1, 61))
    assert site.slots_add_up()


def test_polls_that_take_longer_than_their_schedule_are_overrun_and_the_slots_still_add_up(
    open_site: OpenSite,
) -> None:
    site = open_site(schedule="1s")
    fill(site.model, 30)
    site.source.fault(2, Slow(2.5))
    with site.run() as daemon:
        until(lambda: healed(site, "overrun"))
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0

    assert {each.reason for each in site.missed()} <= {"overrun", "down"}
    assert site.slots_add_up()
