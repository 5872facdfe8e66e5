"""Cursors expire, repeat themselves, and point elsewhere."""

from __future__ import annotations

import pytest

from tests.emulators.endpoint import Endpoint
from tests.emulators.scripted import Emulator
from tests.scenario.conftest import OpenWorld
from tests.scenario.world import Rewritten, fill

CURSORS = ["keyset_cursor", "offset_cursor", "next_url"]


@pytest.mark.parametrize("status", [410, 400])
@pytest.mark.parametrize("sort", ["asc", "desc", "key"])
@pytest.mark.parametrize("paging", CURSORS)
def test_a_cursor_that_expires_in_mid_scan_costs_no_row(
    open_world: OpenWorld, paging: str, sort: str, status: int
) -> None:
    world = open_world({"paging": paging, "sort": sort, "expired_status": status})
    fill(world.model, 60, tied=15)
    world.source.after_response(4, lambda _: world.source.expire_cursors())

    world.poll()

    assert "cursor_expired" in world.notices()
    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("paging", CURSORS)
def test_the_restart_after_an_expiry_goes_on_from_the_safe_position(
    open_world: OpenWorld, paging: str
) -> None:
    world = open_world({"paging": paging}, since={"start": "2026-11-01T00:00:00Z"})
    fill(world.model, 60, tied=25)
    world.source.between_pages(lambda _: world.source.expire_cursors())

    report = world.any_poll()
    world.quiet_poll()

    assert report.requests < 60
    assert world.mirror() == world.source.truth()


def test_cursors_that_die_sooner_than_a_scan_needs_fail_it_and_say_what_helps(open_world: OpenWorld) -> None:
    world = open_world({"paging": "keyset_cursor", "sort": "desc"})
    fill(world.model, 60)
    for number in range(2, 40, 3):
        world.source.after_response(number, lambda _: world.source.expire_cursors())

    report = world.failing_poll()

    assert "the cursor expired 4 times" in (report.error or "")
    assert 'order = "asc"' in (report.hint or "")
    assert world.watermark() is None


def test_the_key_of_a_row_that_was_deleted_is_a_dead_cursor(open_world: OpenWorld) -> None:
    world = open_world({"paging": "after_key", "sort": "key"})
    fill(world.model, 60)
    world.source.after_response(2, lambda model: model.delete(20))

    world.poll()

    assert "cursor_expired" in world.notices()
    assert world.mirror_of_the_living() == world.source.truth()


def test_a_cursor_that_brings_the_same_page_for_ever_ends_with_an_error(open_world: OpenWorld) -> None:
    world = open_world({"paging": "keyset_cursor", "sort": "key"})
    fill(world.model, 60)
    ring: list[dict[str, object]] = []

    def go_round(page: dict[str, object]) -> None:
        ring.append(dict(page))
        page.clear()
        page.update(ring[len(ring) % 3 if len(ring) > 3 else -1])

    world.source.fault_next(*[Rewritten(go_round)] * 100)
    report = world.failing_poll()

    assert "in circles" in (report.error or "")
    assert report.requests < 30
    assert world.watermark() is None


@pytest.mark.parametrize("form", ["absolute", "relative"])
def test_a_next_link_may_be_absolute_or_relative(open_world: OpenWorld, form: str) -> None:
    world = open_world({"paging": "next_url", "next_form": form})
    fill(world.model, 60)

    world.poll()

    assert world.mirror() == world.source.truth()


def test_a_next_link_to_another_host_is_refused_before_anything_is_sent(open_world: OpenWorld) -> None:
    world = open_world(
        {"paging": "next_url", "sort": "key"},
        source={"auth": {"type": "bearer", "token": "wide-open-secret"}},
    )
    fill(world.model, 60)

    with Emulator(Endpoint(paging="next_url")) as stranger:
        elsewhere = f"{stranger.base_url}/rows?cursor=x"
        world.source.fault(3, Rewritten(lambda page: page.update(next=elsewhere)))
        report = world.failing_poll()
        asked = stranger.requests

    assert asked == 0
    assert stranger.base_url.removeprefix("http://") in (report.error or "")
    assert world.watermark() is None


def test_pages_that_say_more_without_a_cursor_fail_instead_of_ending_early(open_world: OpenWorld) -> None:
    world = open_world({"paging": "keyset_cursor", "sort": "key"}, page={"more": "has_more"})
    fill(world.model, 60)
    world.source.fault_next(*[Rewritten(lambda page: page.update(has_more=True, next=None))] * 3)

    report = world.failing_poll()

    assert "names none" in (report.error or "")
    assert world.watermark() is None
