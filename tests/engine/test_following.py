"""``poller changes --follow`` beside a daemon that writes: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import OpenSite
from tests.engine.house import Process, Site, until
from tests.scenario.world import fill


class Follower(Process):
    """``poller changes --follow``, its output in a file."""

    def __init__(self, site: Site, *arguments: str) -> None:
        self.log = site.settings.parent / f"follower-{len(arguments)}.txt"
        self.lines = self.log.with_suffix(".jsonl")
        command = [sys.executable, "-m", "poller", "--config", str(site.settings), "changes", "--follow"]
        with self.log.open("wb") as stderr, self.lines.open("wb") as stdout:
            self._process = subprocess.Popen(
                [*command, *arguments], stdout=stdout, stderr=stderr, text=True, cwd=Path(__file__).parents[2]
            )

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The whole lines so far."""
        return [json.loads(line) for line in self.lines.read_text().splitlines()]

    @property
    def token(self) -> str:
        """What it said when it ended."""
        found = re.search(r"^next token: (\S+)$", self.said, re.MULTILINE)
        assert found is not None, self.said
        return found[1]


def change(site: Site) -> None:
    """Change five rows, and wait until the daemon has them."""
    before = seq(site)
    site.model.clock.advance(2)
    site.model.touch_many(site.model.ids()[:5])
    until(lambda: seq(site) == before + 5)


def seq(site: Site) -> int:
    ((number,),) = site.rows("SELECT seq FROM poller_streams")
    return int(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_follower_sees_every_change_once_and_goes_on_from_where_it_was_stopped(
    open_site: OpenSite, number: signal.Signals
) -> None:
    site = open_site()
    fill(site.model, 40)
    with site.run() as daemon:
        until(lambda: site.polls() >= 1)
        with Follower(site, "--after", "0", "--json") as first:
            change(site)
            change(site)
            until(lambda: len(first.rows) == seq(site))
            first.signal(number)
            code = first.ended()
        change(site)
        with Follower(site, "--json", "--after", first.token, "api.rows") as second:
            change(site)
            until(lambda: len(first.rows) + len(second.rows) == seq(site))
            second.signal(number)
            assert second.ended() == 0
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0

    assert code == 0
    assert "Traceback" not in first.said
    assert first.token == first.rows[-1]["token"]
    both = [row["seq"] for row in (*first.rows, *second.rows)]
    assert both == list(range(1, seq(site) + 1))
    assert len(both) == 60


def test_a_snapshot_is_followed_by_what_comes_behind_it(open_site: OpenSite) -> None:
    site = open_site()
    fill(site.model, 10)
    with site.run():
        until(lambda: site.polls() >= 1)
        with Follower(site, "--json", "--snapshot") as follower:
            until(lambda: len(follower.rows) == 11)
            change(site)
            until(lambda: len(follower.rows) == 16)

    assert [row["op"] for row in follower.rows] == ["snapshot"] * 10 + ["end"] + ["update"] * 5
    assert [row["seq"] for row in follower.rows[11:]] == list(range(11, 16))


def test_a_follower_without_a_token_begins_now(open_site: OpenSite) -> None:
    site = open_site()
    fill(site.model, 10)
    with site.run():
        until(lambda: site.polls() >= 1)
        with Follower(site, "--json") as follower:
            until(lambda: "following" in follower.said)
            change(site)
            until(lambda: len(follower.rows) == 5)

    assert [row["seq"] for row in follower.rows] == list(range(11, 16))


@pytest.mark.parametrize("rows", [3, 600])
def test_a_follower_whose_reader_left_ends_quietly_waiting_or_in_the_middle(
    open_site: OpenSite, rows: int
) -> None:
    site = open_site(size=100)
    fill(site.model, rows)
    with site.once() as once:
        assert once.ended() == 0
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "poller", "--config", str(site.settings), "changes", "--follow"]
    with subprocess.Popen(
        [*command, "--after", "0", "--json"], stdout=writing, stderr=subprocess.PIPE, text=True
    ) as follower:
        os.close(writing)
        assert os.read(reading, 10).startswith(b'{"stream"')

        os.close(reading)
        _, said = follower.communicate(timeout=20)

    assert (follower.returncode, said) == (0, "following 1 stream; Ctrl-C ends it\n")
