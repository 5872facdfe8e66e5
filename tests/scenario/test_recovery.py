"""What made a run fail is mended at the source, and the next poll goes on by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from poller.core.runs import Report
from tests.emulators.endpoint import Endpoint
from tests.emulators.faults import Status
from tests.emulators.scripted import Emulator
from tests.scenario.conftest import OpenWorld
from tests.scenario.world import Rewritten, World, fill


def lift_the_cap(world: World) -> None:
    listing = world.source._pages["/rows"].listing
    world.source._pages["/rows"].endpoint = replace(listing.endpoint, cap=1_000_000)


@pytest.mark.parametrize("api", [{"paging": "keyset"}, {"paging": "offset", "ties": "shuffled"}])
def test_a_tie_group_that_fitted_into_no_page_is_read_once_pages_may_be_larger(
    open_world: OpenWorld, api: dict[str, str]
) -> None:
    world = open_world({**api, "cap": 10}, since={"start": "2026-11-01T00:00:00Z"})
    fill(world.model, 30, tied=35)
    world.failing_poll()

    lift_the_cap(world)
    world.poll()

    assert world.mirror() == world.source.truth()


def test_cursors_that_went_in_circles_do_not_bind_the_next_poll(open_world: OpenWorld) -> None:
    world = open_world({"paging": "keyset_cursor", "sort": "key"})
    fill(world.model, 60)
    first: list[dict[str, object]] = []

    def stand_still(page: dict[str, object]) -> None:
        first.append(dict(page))
        page.update(first[0])

    world.source.fault_next(*[Rewritten(stand_still)] * 40)
    world.failing_poll()

    world.quiet_poll()

    assert world.mirror() == world.source.truth()


def test_a_next_link_to_another_host_does_not_bind_the_next_poll(open_world: OpenWorld) -> None:
    world = open_world({"paging": "next_url", "sort": "key"})
    fill(world.model, 60)
    with Emulator(Endpoint(paging="next_url")) as stranger:
        elsewhere = f"{stranger.base_url}/rows?cursor=x"
        world.source.fault(3, Rewritten(lambda page: page.update(next=elsewhere)))
        world.failing_poll()

    world.quiet_poll()

    assert world.mirror() == world.source.truth()


def test_a_cursor_that_breaks_the_server_is_given_up_at_some_time(open_world: OpenWorld) -> None:
    world = open_world({"paging": "keyset_cursor", "sort": "desc"})
    fill(world.model, 60)
    world.source.fault(3, *[Status(500)] * 3)
    world.failing_poll()

    reports = [poll_while_old_cursors_answer_500(world) for _ in range(3)]

    assert reports[-1].error is None
    assert world.mirror() == world.source.truth()


def poll_while_old_cursors_answer_500(world: World) -> Report:
    """Cursors from before this poll break the server; those that it gives now are good."""
    pages = world.source._pages["/rows"]
    pages.endpoint = replace(pages.endpoint, expired_status=500)
    world.source.expire_cursors()
    return world.any_poll()
