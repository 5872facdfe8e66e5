"""What the command line shows of a source's quota, and that ``check`` asks within its rate."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from tests.cli.world import Desk
from tests.emulators.faults import Reply
from tests.emulators.server import Asked, Server


def test_status_shows_how_much_of_the_quota_a_source_says_is_used(desk: Desk) -> None:
    def answer(_: Asked) -> Reply:
        return Reply(200, {"rows": []}, headers=(("X-Used", "1200"), ("X-Limit", "15000")))

    server = Server(answer)
    desk.write_settings(
        base_url=server.origin + '"\nusage_headers = { used = "X-Used", limit = "X-Limit" }\n# "'
    )
    desk.run("once")
    server.close()

    shown = desk.run("status").out
    row = desk.run("status", "--json").rows[0]

    assert "shop has used 1,200 of 15,000 of its quota, as it said " in shown
    assert (row["usage_used"], row["usage_limit"]) == (1200.0, 15000.0)
    assert row["usage_at"].startswith("20")


def test_status_says_nothing_of_a_quota_that_nobody_spoke_of(desk: Desk) -> None:
    desk.run("once")

    assert "quota" not in desk.run("status").out
    row = desk.run("status", "--json").rows[0]
    assert (row["usage_used"], row["usage_limit"], row["usage_at"]) == (None, None, None)


def test_check_takes_its_permits_from_the_same_account_as_the_polls(desk: Desk) -> None:
    moments: list[float] = []

    def answer(asked: Asked) -> Reply:
        moments.append(time.monotonic())
        first = asked.params["offset"] == "0"
        return Reply(200, {"rows": [{"id": 1, "updated_at": "2026-01-01T00:00:00Z"}] if first else []})

    server = Server(answer)
    desk.write_settings(base_url=server.origin + '"\nrate_limit = "2/2s"\n# "')

    codes = [desk.run(*words).code for words in (("once",), ("check",), ("once",))]
    server.close()

    assert codes == [0, 0, 0]
    assert len(moments) >= 5
    assert all(later - earlier >= 2.0 for earlier, later in zip(moments, moments[2:], strict=False))
    with closing(sqlite3.connect(desk.database)) as connection:
        (open_blocks,) = connection.execute(
            "SELECT count(*) FROM poller_permits WHERE completed_at IS NULL"
        ).fetchone()
    assert open_blocks == 0


def test_a_source_without_a_rate_limit_writes_no_permits(desk: Desk) -> None:
    desk.run("once")

    with closing(sqlite3.connect(desk.database)) as connection:
        (blocks,) = connection.execute("SELECT count(*) FROM poller_permits").fetchone()
    assert blocks == 0
