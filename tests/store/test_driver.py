"""The driver over a real memory: what is fetched ahead of a page that cannot be written is thrown away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest

from poller.core.errors import StoreError
from poller.core.model import Stream
from poller.core.page import Response
from poller.core.request import Request
from poller.core.runs import Attempt
from poller.core.scan.progress import Progress
from poller.core.steps import Answer, Commit, Exchange, Expired, Fetch, Fetched, Finish, Step
from poller.core.verdict import Verdict
from poller.engine.driver import Hands, drive
from tests.store.world import HOUR, World, at, attempt, checkpoint, issue, text_at


class Reader:
    """Answers every request with one word, and notes that it did."""

    def fetch(
        self,
        _stream: Stream,
        _request: Request,
        _judge: Callable[[Response], Verdict],
        note: Callable[[Attempt], None],
        *,
        run: str,
        give_up_at: datetime,
    ) -> Fetched:
        note(attempt(give_up_at - HOUR))
        return Expired(run)


def test_a_page_that_cannot_be_written_ends_the_run_and_the_one_behind_it_is_not_written(
    world: World,
) -> None:
    run = world.begin()
    world.page(run, [issue(1, title="a")])
    world.do(
        "CREATE TRIGGER crash BEFORE INSERT ON crm_issues WHEN NEW._key = '2'"
        " BEGIN SELECT RAISE(ABORT, 'lightning'); END"
    )

    def flow() -> Generator[Step, Answer, Progress]:
        page = Commit([issue(2, title="b")], [], world.clock, None, None, checkpoint(run.started_at), None)
        onward = Fetch(Request("GET", "/issues"), mid_scan=False, optional=False)
        yield Exchange(page, onward)
        proved = Finish(at(3), text_at(3), at(3), at(3))
        yield replace(page, records=[issue(3, title="c")], checkpoint=None, finish=proved)
        raise AssertionError("nothing may be asked for behind a page that was not written")

    with ThreadPoolExecutor(1) as ahead:
        stop, ends = threading.Event(), world.clock + HOUR
        hands = Hands(run, Reader(), world.memory, ahead, lambda: world.clock, stop, ends)
        with pytest.raises(StoreError, match="lightning"):
            drive(flow(), hands)

    assert world.column("_key") == ["1"]
    assert world.memory.state(world.stream).watermark is None
