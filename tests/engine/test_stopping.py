"""SIGTERM, Ctrl-C, twice Ctrl-C, SIGHUP, and a second daemon."""

from __future__ import annotations

import signal
import socket
import time

import pytest

from tests.emulators.faults import Slow
from tests.engine.conftest import OpenSite
from tests.engine.house import until
from tests.scenario.world import fill


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_that_is_asked_to_stop_commits_the_page_in_hand_and_lets_go(
    open_site: OpenSite, number: signal.Signals
) -> None:
    site = open_site(schedule="1h")
    fill(site.model, 60)
    site.source.fault(4, Slow(1.5))
    with site.run() as daemon:
        until(lambda: site.source.requests == 4)

        daemon.signal(number)
        asked_at = time.monotonic()
        code = daemon.ended(25)

    assert code == 0
    assert time.monotonic() - asked_at < 6
    ((outcome, pages),) = site.rows("SELECT outcome, pages FROM poller_runs")
    assert (outcome, pages) == ("stopped", 4)
    token, _, released = site.lease()
    assert (token, released is not None) == (None, True)
    assert site.source.requests == 4


def test_a_second_ctrl_c_exits_at_once_and_the_next_start_goes_on_from_there(open_site: OpenSite) -> None:
    site = open_site(schedule="1h")
    fill(site.model, 60)
    site.source.fault(4, Slow(8))
    with site.run() as daemon:
        until(lambda: site.source.requests == 4)
        daemon.signal(signal.SIGINT)
        time.sleep(0.3)
        daemon.signal(signal.SIGINT)
        asked_at = time.monotonic()
        code = daemon.ended()

    assert code == 130
    assert time.monotonic() - asked_at < 1
    before = len(site.mirror())
    with site.once() as again:
        assert again.ended() == 0
    assert before > 0
    assert site.mirror() == site.source.truth()
    assert [change.seq for change in site.changes()] == list(range(1, 61))


def test_a_second_daemon_refuses_and_names_the_first_ones_host_and_pid(open_site: OpenSite) -> None:
    site = open_site(schedule="1h")
    fill(site.model, 6)
    with site.run() as daemon:
        until(lambda: site.polls() == 1)

        with site.run() as second:
            code = second.ended()
            said = second.said
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0

    assert code == 1
    assert str(daemon.pid) in said
    assert socket.gethostname() in said
    assert "Traceback" not in said


def test_sighup_takes_over_good_settings_and_wrong_ones_leave_the_old_in_force(open_site: OpenSite) -> None:
    site = open_site(schedule="1h")
    fill(site.model, 6)
    with site.run() as daemon:
        until(lambda: site.polls() == 1)

        site.write_settings(schedule="1s")
        daemon.signal(signal.SIGHUP)
        until(lambda: site.polls() >= 3, what="polls on the new schedule")
        site.settings.write_text(site.settings.read_text().replace('"path"', '"pith"'))
        daemon.signal(signal.SIGHUP)
        until(lambda: "pith" in daemon.said, what="a word about the wrong settings")
        asked = site.source.requests
        until(lambda: site.source.requests > asked + 2, what="polls on the old settings")
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0

    assert "Traceback" not in daemon.said
