"""Old rows go by themselves: beside the daemon's polls, and a little after each ``once``."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing

from poller.core.errors import StoreUnavailable
from poller.engine.housekeeping import housekeeping, prune
from tests.engine.conftest import OpenSite
from tests.engine.house import Site, until
from tests.scenario.world import fill

LONG_AGO = "2020-01-01T00:00:00.000000Z"


def keep_for(site: Site, **spans: str) -> None:
    """The settings say how long what is kept."""
    written = "\n".join(f'{what} = "{span}"' for what, span in spans.items())
    site.settings.write_text(f"{site.settings.read_text()}\n[retention]\n{written}\n")


def age(site: Site) -> None:
    """All that happened so far happened long ago."""
    with closing(sqlite3.connect(site.database)) as connection, connection:
        connection.execute("UPDATE poller_changes SET observed_at = ?", (LONG_AGO,))
        connection.execute("UPDATE poller_requests SET sent_at = ?", (LONG_AGO,))
        connection.execute("UPDATE poller_runs SET started_at = ?, ended_at = ?", (LONG_AGO, LONG_AGO))


def poll_once(site: Site) -> None:
    with site.once() as once:
        assert once.ended() == 0


def oldest(site: Site) -> tuple[int, ...]:
    """How many rows there are from long ago: changes, requests, runs."""
    ((changes, requests, runs),) = site.rows(
        "SELECT (SELECT count(*) FROM poller_changes WHERE observed_at = ?),"
        " (SELECT count(*) FROM poller_requests WHERE sent_at = ?),"
        " (SELECT count(*) FROM poller_runs WHERE ended_at = ?)",
        *(LONG_AGO, LONG_AGO, LONG_AGO),
    )
    return changes, requests, runs


def test_the_daemon_prunes_when_it_starts_and_polls_meanwhile(open_site: OpenSite) -> None:
    site = open_site()
    fill(site.model, 1600)
    poll_once(site)
    age(site)
    keep_for(site, runs="1d", requests="1d", changes="1d")
    assert oldest(site)[0] == 1600
    site.model.clock.advance(5)
    site.model.touch_many(site.model.ids()[:3])

    with site.run() as daemon:
        until(lambda: oldest(site)[:2] == (0, 0))
        until(lambda: site.polls() >= 2)
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0

    assert site.rows("SELECT seq, changes_floor FROM poller_streams")[0][:] == (1603, 1600)
    assert [change.seq for change in site.changes()] == [1601, 1602, 1603]
    assert len(site.mirror()) == 1600
    assert "pruned" in daemon.said


def test_once_prunes_what_is_old_when_it_has_polled(open_site: OpenSite) -> None:
    site = open_site()
    fill(site.model, 20)
    poll_once(site)
    age(site)
    keep_for(site, runs="1d", requests="1d", changes="1d")

    poll_once(site)

    assert oldest(site) == (0, 0, 0)
    assert len(site.mirror()) == 20


def test_without_a_word_in_the_settings_the_feed_is_kept_for_ever(open_site: OpenSite) -> None:
    site = open_site()
    fill(site.model, 20)
    poll_once(site)
    age(site)

    poll_once(site)

    assert oldest(site) == (20, 0, 0)


def steps(done: list[int], count: int = 1_000_000) -> Iterator[tuple[str, int]]:
    for number in range(count):
        done.append(number)
        yield "rows", 1


def test_a_round_ends_when_it_is_told_to_stop() -> None:
    stop, done = threading.Event(), list[int]()
    threading.Timer(0.2, stop.set).start()

    prune(steps(done), stop)

    assert 1 <= len(done) < 20


def test_a_round_that_may_take_so_long_takes_no_longer() -> None:
    done = list[int]()
    began = time.monotonic()

    prune(steps(done), threading.Event(), patience=0.2)

    assert 0.2 <= time.monotonic() - began < 2
    assert len(done) > 1


def test_polls_get_as_much_time_as_the_pruning() -> None:
    done = list[int]()
    began = time.monotonic()

    def slow() -> Iterator[tuple[str, int]]:
        for step in steps(done, 4):
            time.sleep(0.1)
            yield step

    prune(slow(), threading.Event())

    assert time.monotonic() - began > 0.75


def test_a_database_that_refuses_ends_the_round_and_the_next_one_begins_anew() -> None:
    begun = list[int]()
    stop = threading.Event()

    def refused() -> Iterator[tuple[str, int]]:
        begun.append(1)
        yield "rows", 1
        raise StoreUnavailable("the database is full")

    with housekeeping(refused, stop, every=0.05):
        until(lambda: len(begun) >= 3, 5)
        stop.set()

    assert len(begun) >= 3
