"""kill -9 at twenty points of a long poll: it goes on each time; nothing is lost, nothing told twice."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter

from tests.emulators.scripted import Emulator
from tests.engine.conftest import OpenSite
from tests.engine.house import Process
from tests.scenario.world import fill

KILLS = 20


def test_a_poll_that_is_killed_twenty_times_ends_with_the_truth_and_tells_every_change_once(
    open_site: OpenSite,
) -> None:
    site = open_site({"paging": "offset"}, size=20)
    fill(site.model, 1_500, tied=150)
    dice = random.Random(20)
    codes = []

    for turn in range(KILLS):
        with site.once() as poll:
            arm(site.source, poll, turn, dice)
            codes.append(poll.ended())
        site.model.clock.advance(1)
        site.model.update(dice.randint(1, 1_650))
    site.source.be_quiet()
    with site.once() as poll:
        assert poll.ended() == 0
    site.model.clock.advance(1)
    with site.once() as poll:
        assert poll.ended() == 0

    assert codes == [-signal.SIGKILL] * KILLS
    assert site.mirror() == site.source.truth()
    changes = site.changes()
    assert [change.seq for change in changes] == list(range(1, len(changes) + 1))
    told = Counter((change.key, change.version) for change in changes)
    assert max(told.values()) == 1
    appeared = Counter(change.key for change in changes if change.op in ("snapshot", "insert"))
    assert set(appeared) == set(map(str, site.source.truth()))
    ((killed,),) = site.rows("SELECT count(*) FROM poller_runs WHERE outcome = 'killed'")
    assert killed == KILLS
    assert site.rows("PRAGMA integrity_check")[0][0] == "ok"


def arm(source: Emulator, poll: Process, turn: int, dice: random.Random) -> None:
    """Kill this poll a few responses from now: before one, after one, or some milliseconds later."""
    source.be_quiet()
    number = source.requests + 2 + turn % 4
    delay = dice.uniform(0.0005, 0.012)
    if turn % 3 == 0:
        source.before_response(number, lambda _: poll.signal(signal.SIGKILL))
    elif turn % 3 == 1:
        source.after_response(number, lambda _: poll.signal(signal.SIGKILL))
    else:
        source.after_response(number, lambda _: later(poll, delay))


def later(poll: Process, seconds: float) -> None:
    threading.Timer(seconds, poll.signal, (signal.SIGKILL,)).start()
