"""Commands beside the daemon: the owner of a source does them, and the command line shows what came of it."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest

from tests.emulators.faults import Slow
from tests.engine.conftest import OpenSite
from tests.engine.house import Process, Site, until
from tests.scenario.world import fill


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    """Polled once an hour, and not by itself while a test runs."""
    made = open_site(schedule="1h", budget="1m")
    fill(made.model, 6)
    return made


@contextmanager
def daemon_of(site: Site) -> Iterator[Process]:
    """The daemon, once its first poll has ended; stopped in good order behind the block."""
    with site.run() as daemon:
        until(lambda: site.polls() == 1)
        yield daemon
        with suppress(ProcessLookupError):  # some tests end it themselves
            daemon.signal(signal.SIGTERM)
        daemon.ended()


def command(site: Site, *arguments: str) -> Process:
    return Process(site.settings, *arguments)


def commands(site: Site) -> list[tuple[str, str]]:
    return [tuple(row) for row in site.rows("SELECT kind, state FROM poller_commands ORDER BY id")]


def is_begun(site: Site) -> bool:
    return bool(site.rows("SELECT 1 FROM poller_commands WHERE progress IS NOT NULL"))


def runs(site: Site) -> list[tuple[str, str | None]]:
    return [tuple(row) for row in site.rows("SELECT kind, outcome FROM poller_runs ORDER BY id")]


def unnumbered(text: str | None) -> str | None:
    """Without the API's names of requests."""
    return None if text is None else re.sub(r"req-\d+", "req-N", text)


def slow_next(site: Site, seconds: float) -> None:
    site.source.fault(site.source.requests + 1, Slow(seconds))


def test_once_beside_a_daemon_is_done_by_it_and_reported_as_if_it_had_been_done_here(site: Site) -> None:
    with daemon_of(site) as daemon:
        site.model.insert()

        with command(site, "once", "--json") as once:
            row = json.loads(once.output())

        assert site.lease()[1] == daemon.pid
    assert (once.ended(), once.said) == (0, "")
    assert (row["stream"], row["outcome"], row["inserted"]) == ("api.rows", "ok", 1)
    assert row["watermark_after"] > row["watermark_before"]
    assert site.mirror() == site.source.truth()
    assert commands(site) == [("once", "done")]
    assert ("manual", "ok") in runs(site)


def test_a_failure_in_the_daemon_has_the_exit_code_and_the_words_that_it_has_here(site: Site) -> None:
    with daemon_of(site):
        site.source.down()

        with command(site, "once", "--json") as beside:
            there = json.loads(beside.output())
    with command(site, "once", "--json") as alone:
        here = json.loads(alone.output())

    assert (beside.ended(), alone.ended()) == (1, 1)
    told = ("outcome", "category", "error", "hint")
    assert [unnumbered(there[key]) for key in told] == [unnumbered(here[key]) for key in told]
    assert unnumbered(beside.said) == unnumbered(alone.said)


def test_once_joins_behind_the_poll_that_is_under_way(site: Site) -> None:
    site.source.fault(1, Slow(3))
    with site.run() as daemon:
        until(lambda: site.source.requests == 1)
        with command(site, "once", "--json") as once:
            until(lambda: commands(site) == [("once", "running")])
            assert not is_begun(site)
            rows = [json.loads(line) for line in once.output().splitlines()]
        daemon.signal(signal.SIGTERM)
        daemon.ended()

    assert [(row["run"], row["outcome"]) for row in rows] == [(2, "ok")]
    assert runs(site) == [("poll", "ok"), ("manual", "ok")]
    ((overlap,),) = site.rows(
        "SELECT count(*) FROM poller_runs one JOIN poller_runs other"
        " ON one.id < other.id AND other.started_at < one.ended_at"
    )
    assert overlap == 0


def test_streams_of_a_source_that_nobody_holds_are_polled_here_meanwhile(site: Site) -> None:
    both = site.settings.with_name("both.toml")
    text = site.settings.read_text()
    both.write_text(
        text
        + text.partition("[sources.api]")[2]
        .join(["[sources.other]", ""])
        .replace("sources.api.", "sources.other.")
    )
    with daemon_of(site), Process(both, "once", "--json") as once:
        rows = [json.loads(line) for line in once.output().splitlines()]

    assert once.ended() == 0
    assert [(row["stream"], row["outcome"]) for row in rows] == [("api.rows", "ok"), ("other.rows", "ok")]
    assert commands(site) == [("once", "done")]


def test_a_stream_that_the_daemon_has_not_read_of_is_refused_with_the_way_to_tell_it(site: Site) -> None:
    with daemon_of(site) as daemon:
        site.settings.write_text(site.settings.read_text().replace("streams.rows", "streams.lines"))

        with command(site, "once") as refused:
            assert refused.ended() == 1
        daemon.signal(signal.SIGHUP)
        until(lambda: "settings reloaded" in daemon.said)
        with command(site, "once") as again:
            assert again.ended() == 0

    assert "know no stream api.lines" in refused.said
    assert "SIGHUP" in refused.said


def test_a_command_of_a_newer_program_is_answered_with_the_word_to_restart_the_daemon(site: Site) -> None:
    with daemon_of(site):
        with closing(sqlite3.connect(site.database)) as connection, connection:
            connection.execute(
                "INSERT INTO poller_commands (source_id, kind, arguments, who, asked_at)"
                """ VALUES (1, 'dance', '{"stream": "api.rows"}', 'somebody', '2026-11-21T12:00:00Z')"""
            )
        until(lambda: commands(site) == [("dance", "failed")])

    ((error, hint),) = site.rows("SELECT error, hint FROM poller_commands")
    assert "'dance'" in error
    assert "restart" in hint


def test_a_daemon_that_is_killed_in_the_middle_is_noticed_and_its_command_is_closed(site: Site) -> None:
    with daemon_of(site) as daemon:
        slow_next(site, 15)
        with command(site, "once") as once:
            until(lambda: runs(site)[-1] == ("manual", None))
            daemon.signal(signal.SIGKILL)
            daemon.ended()
            assert once.ended(10) == 1
        with command(site, "once") as again:
            assert again.ended() == 0

    assert "gone" in once.said
    assert commands(site) == [("once", "failed")]
    assert ("manual", "killed") in runs(site)


def test_what_a_killed_daemon_had_not_begun_is_done_here(site: Site) -> None:
    with daemon_of(site) as daemon:
        slow_next(site, 15)
        asked = site.source.requests
        with command(site, "once") as first, command(site, "once", "--json") as second:
            until(lambda: [state for _, state in commands(site)] == ["running", "running"])
            until(lambda: site.source.requests == asked + 1)
            daemon.signal(signal.SIGKILL)
            daemon.ended()
            codes = {first.ended(10), second.ended(10)}

    assert codes == {0, 1}
    assert runs(site)[-1] == ("manual", "ok")


def test_a_daemon_that_stops_leaves_what_it_has_not_begun_to_whoever_asked(site: Site) -> None:
    with daemon_of(site) as daemon:
        slow_next(site, 3)
        with command(site, "once", "--json") as first, command(site, "once", "--json") as second:
            until(lambda: len(commands(site)) == 2 and is_begun(site))
            until(lambda: {state for _, state in commands(site)} == {"running"})
            daemon.signal(signal.SIGTERM)
            assert daemon.ended() == 0
            ended = {process.ended(): json.loads(process.output()) for process in (first, second)}

    assert {code: row["outcome"] for code, row in ended.items()} == {130: "stopped", 0: "ok"}


def test_ctrl_c_withdraws_what_is_not_begun_and_leaves_the_rest_to_the_daemon(site: Site) -> None:
    with daemon_of(site):
        slow_next(site, 3)
        with command(site, "once") as first, command(site, "once") as second:
            until(lambda: {state for _, state in commands(site)} == {"running"})
            until(lambda: len(commands(site)) == 2 and is_begun(site))
            for process in (first, second):
                process.signal(signal.SIGINT)
            codes = [first.ended(), second.ended()]
        until(lambda: sorted(state for _, state in commands(site)) == ["done", "failed"])

    said = {first.said, second.said}
    assert codes == [130, 130]
    assert any("goes on there" in each and "poller runs api.rows" in each for each in said)
    assert any("withdrawn" in each for each in said)
    assert [run for run in runs(site) if run[0] == "manual"] == [("manual", "ok")]


@pytest.mark.slow
def test_an_owner_that_takes_no_commands_is_named_after_a_while(open_site: OpenSite) -> None:
    site = open_site(schedule="1h", timeout="60s")
    fill(site.model, 6)
    slow_next(site, 45)
    with command(site, "once") as holder:
        until(lambda: site.source.requests == 1)
        with command(site, "once") as second:
            code = second.ended(40)
        holder.signal(signal.SIGKILL)

    assert code == 1
    assert str(holder.pid) in second.said
    assert "takes no commands" in second.said
    assert commands(site) == [("once", "failed")]


def test_a_reset_fences_off_the_run_under_way_and_the_daemon_polls_from_there_at_once(site: Site) -> None:
    with daemon_of(site):
        slow_next(site, 3)
        with command(site, "once") as once:
            until(lambda: is_begun(site))
            with command(site, "watermark", "reset", "api.rows", "--start", "--yes") as reset:
                assert reset.ended() == 0
            assert once.ended() == 1
        until(lambda: runs(site)[-1] == ("poll", "ok"), what="a poll by itself, an hour early")

    assert "epoch" in once.said
    assert runs(site) == [("poll", "ok"), ("manual", "failed"), ("poll", "ok")]
    assert ("move", "done") in commands(site)
    assert site.rows("SELECT rows_read > 5 FROM poller_runs ORDER BY id DESC LIMIT 1")[0][0] == 1


def test_a_reset_that_waits_lets_the_run_finish_first(site: Site) -> None:
    with daemon_of(site):
        slow_next(site, 3)
        with command(site, "once") as once:
            until(lambda: is_begun(site))
            with command(site, "watermark", "reset", "api.rows", "--start", "--wait", "--yes") as reset:
                assert reset.ended() == 0
            assert once.ended() == 0

    assert all(outcome in ("ok", None) for _, outcome in runs(site))


def test_dead_letters_are_replayed_and_discarded_by_the_daemon(open_site: OpenSite) -> None:
    site = open_site(schedule="1h", key="sku")
    fill(site.model, 3)
    with daemon_of(site) as daemon:
        until(lambda: len(site.letters()) == 3)
        site.write_settings(key="id")
        daemon.signal(signal.SIGHUP)
        until(lambda: "settings reloaded" in daemon.said)

        blocked = _ran(site, "dead-letters", "replay", "--all")
        _ran(site, "watermark", "reset", "api.rows", "--start", "--yes")
        until(lambda: len(site.mirror()) == 3)
        replayed = _ran(site, "dead-letters", "replay", "1", "2")
        discarded = _ran(site, "dead-letters", "discard", "--all", "--yes")

    assert (blocked[0]["run"], "blocked" in blocked[0]["error"]) == (None, True)
    assert (replayed[0]["closed"], replayed[0]["open"], replayed[0]["unchanged"]) == (2, 0, 2)
    assert discarded == [{"stream": "api.rows", "discarded": 1}]
    how = site.rows("SELECT closed_how FROM poller_dead_letters ORDER BY id")
    assert [each for (each,) in how] == ["replayed", "replayed", "discarded"]
    assert [kind for kind, _ in commands(site)] == ["replay", "move", "replay", "discard"]


def test_a_dry_run_asks_nobody(site: Site) -> None:
    with daemon_of(site):
        for words in (
            ("watermark", "reset", "api.rows", "--start"),
            ("watermark", "set", "api.rows", "--to", "2030-01-01T00:00:00Z"),
            ("dead-letters", "replay", "--all"),
            ("dead-letters", "discard", "--all"),
        ):
            with command(site, *words, "--dry-run") as ran:
                assert ran.ended() == 0

    assert commands(site) == []


def _ran(site: Site, *arguments: str) -> list[dict[str, Any]]:
    json_lines = () if arguments[0] == "watermark" else ("--json",)
    with command(site, *arguments, *json_lines) as ran:
        lines = ran.output().splitlines()
    return [json.loads(line) for line in lines] if json_lines else []
