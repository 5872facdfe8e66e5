"""A command is done once, by the owner of its source, or not at all; what an owner leaves is settled."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

import pytest

from poller.core.command import CommandKind, Move
from poller.store import commands
from poller.store.commands import Inbox, ask, look_up, present, withdraw
from poller.store.leases import acquire, release
from poller.store.streams import move_watermark
from tests.store.world import HOUR, World, at, owner, text_at


@pytest.fixture
def inbox(world: World) -> Inbox:
    return Inbox(world.database, world.owner)


@pytest.fixture
def number(world: World) -> int:
    """Of a command that waits."""
    return asked(world)


@pytest.fixture
def taken(inbox: Inbox, number: int) -> int:
    """Of a command that was taken and not begun."""
    assert inbox.take(number)
    return number


def asked(world: World, **arguments: object) -> int:
    (made,) = ask(
        world.database,
        "crm",
        CommandKind.ONCE,
        [{"stream": "crm.issues", **arguments}],
        "anna@desk",
    )
    return made


def state(world: World, number: int) -> str:
    return look_up(world.database, [number])[number].state


def test_a_command_is_found_by_the_owner_of_its_source_with_what_it_says(world: World, inbox: Inbox) -> None:
    number = asked(world, letters=[1, 2])

    (found,) = inbox.waiting()

    assert (found.number, found.kind, found.stream, found.who) == (number, "once", "crm.issues", "anna@desk")
    assert found.arguments == {"letters": [1, 2]}
    assert Inbox(world.database, owner("another")).waiting() == []


def test_it_is_taken_once_and_only_by_the_owner(world: World, inbox: Inbox, number: int) -> None:
    assert not Inbox(world.database, owner("another")).take(number)

    assert inbox.take(number)
    assert not inbox.take(number)
    assert inbox.waiting() == []


def test_the_answer_comes_back_to_whoever_asked(world: World, inbox: Inbox, taken: int) -> None:
    assert inbox.begin(taken)
    inbox.note(taken, {"done": 1, "of": 2})
    assert look_up(world.database, [taken])[taken].progress == {"done": 1, "of": 2}

    inbox.done(taken, {"rows": 30})

    view = look_up(world.database, [taken])[taken]
    assert (view.state, view.result, view.error) == ("done", {"rows": 30}, None)


def test_a_failure_comes_back_with_its_next_step(world: World, inbox: Inbox, taken: int) -> None:
    inbox.failed(taken, "no such stream", "send it SIGHUP")

    view = look_up(world.database, [taken])[taken]
    assert (view.state, view.error, view.hint) == ("failed", "no such stream", "send it SIGHUP")


def test_what_is_not_begun_can_be_withdrawn_and_is_not_begun_afterwards(
    world: World, inbox: Inbox, taken: int
) -> None:
    assert withdraw(world.database, taken)

    assert not inbox.begin(taken)
    inbox.done(taken, {})
    assert state(world, taken) == "failed"


def test_what_is_begun_cannot_be_withdrawn(world: World, inbox: Inbox, taken: int) -> None:
    inbox.begin(taken)

    assert not withdraw(world.database, taken)
    assert state(world, taken) == "running"


def test_a_command_is_begun_once(inbox: Inbox, taken: int) -> None:
    assert inbox.begin(taken)

    assert not inbox.begin(taken)


def test_an_owner_that_stops_gives_back_what_it_has_not_begun_and_breaks_off_the_rest(
    world: World, inbox: Inbox, taken: int
) -> None:
    other = asked(world)
    inbox.take(other)
    inbox.begin(other)

    inbox.give_back()

    assert (state(world, taken), state(world, other)) == ("waiting", "failed")


def test_the_next_owner_does_what_was_not_begun_and_closes_what_was(
    world: World, inbox: Inbox, taken: int
) -> None:
    begun = asked(world)
    inbox.take(begun)
    inbox.begin(begun)
    release(world.database, ["crm"], world.owner)
    heir = owner("the next")
    acquire(world.database, ["crm"], heir, HOUR)

    commands.inherit(world.database, ["crm"], heir)

    assert [each.number for each in Inbox(world.database, heir).waiting()] == [taken]
    view = look_up(world.database, [begun])[begun]
    assert view.state == "failed"
    assert "ended before it was done" in (view.error or "")


def test_an_owner_inherits_nothing_from_itself(world: World, inbox: Inbox, taken: int) -> None:
    inbox.begin(taken)

    commands.inherit(world.database, ["crm"], world.owner)

    assert state(world, taken) == "running"


def test_an_owner_is_there_while_its_lease_lasts_and_its_process_runs(world: World) -> None:
    here = replace(owner("ours"), host="this host", pid=os.getpid())
    us = replace(owner("us"), host="this host", pid=os.getpid() + 1)
    release(world.database, ["crm"], world.owner)
    assert present(world.database, "crm", us) is None

    acquire(world.database, ["crm"], here, HOUR)
    found = present(world.database, "crm", us)
    assert found is not None
    assert found.owner.token == "ours"
    release(world.database, ["crm"], here)

    acquire(world.database, ["crm"], replace(here, pid=2**22 + 1), HOUR)
    assert present(world.database, "crm", us) is None
    assert present(world.database, "crm", replace(us, host="elsewhere")) is not None


def test_an_expired_lease_is_nobodys(world: World) -> None:
    release(world.database, ["crm"], world.owner)
    acquire(world.database, ["crm"], owner("brief"), timedelta(microseconds=1))

    assert present(world.database, "crm", owner("us", host="elsewhere")) is None


# --- moves --------------------------------------------------------------------------------------


def test_a_moved_watermark_voids_what_an_unchanged_listing_would_be_known_by(world: World) -> None:
    world.poll()
    world.do("""UPDATE poller_streams SET validators = '{"etag": "x"}', fingerprint = 'meaning'""")

    epoch = move_watermark(world.database, Move("crm.issues", at(1), text_at(1), "anna", "why"))

    found = world.rows("SELECT epoch, validators, fingerprint, highest FROM poller_streams")
    assert found == [(epoch, None, None, None)]
    assert world.memory.state(world.stream).watermark == at(1)


def test_a_token_is_kept_as_text_without_a_position(world: World) -> None:
    move_watermark(world.database, Move("crm.issues", None, "", "anna", "why"))

    state = world.memory.state(world.stream)
    assert (state.watermark, state.watermark_text) == (None, "")
