"""Twelve families of APIs, each by the settings that a user would copy: in motion, row by row."""

from __future__ import annotations

import random

import pytest

from tests.emulators.families import FAMILIES
from tests.emulators.faults import CutOff, Dropped, Fault, HalfDocument, HtmlPage, Status
from tests.scenario.families import OpenReading, Reading, Storm

ROWS, TIED, ROUNDS = 520, 90, 5
FAULTS: list[Fault] = [
    Status(503),
    Status(429, retry_after=0),
    Dropped(),
    CutOff(),
    HtmlPage(),
    HalfDocument(),
]
COMMITS_LATE = {"plain since", "plain since, one answer", "page numbers", "event log"}
"""Where the settings look back, some transactions commit late."""


@pytest.mark.parametrize("name", FAMILIES)
def test_a_first_poll_in_motion_and_five_stormy_ones_leave_the_mirror_as_the_model(
    open_reading: OpenReading, name: str
) -> None:
    reading = open_reading(FAMILIES[name])
    dice = random.Random(name)
    reading.model.fill(ROWS, tied=TIED)

    stormy_poll(reading, dice, name, moves=60)
    for _ in range(ROUNDS):
        reading.pass_time(dice.randint(5, 60))
        move_now(reading, dice, name, moves=25)
        stormy_poll(reading, dice, name, moves=40)
    reading.quiet_poll()

    reading.assert_whole()
    reading.assert_feed_is_whole()
    settled = reading.written()
    reports = reading.quiet_poll()
    assert {(each.done.inserted, each.done.updated, each.done.deleted) for each in reports} == {(0, 0, 0)}
    assert reading.written() == settled
    reading.assert_client_was_right()


def stormy_poll(reading: Reading, dice: random.Random, name: str, *, moves: int) -> None:
    """A poll while rows move after each answer, with a fault or two. It may fail, if it says so."""
    reading.api.between_pages(
        Storm(dice, moves, late=name in COMMITS_LATE, back=bool(reading.family.buried()))
    )
    first = reading.api.requests + dice.randint(1, 4)
    reading.api.fault(first, *dice.sample(FAULTS, dice.randint(1, 2)))
    reading.any_poll()
    reading.api.be_quiet()


def move_now(reading: Reading, dice: random.Random, name: str, *, moves: int) -> None:
    """Moves between two polls."""
    storm = Storm(dice, 0, late=name in COMMITS_LATE, back=bool(reading.family.buried()))
    for _ in range(moves):
        storm.move(reading.model)


def test_a_429_that_names_a_second_is_waited_for(open_reading: OpenReading) -> None:
    reading = open_reading(FAMILIES["page numbers"])
    reading.model.fill(ROWS)
    reading.api.fault(3, Status(429, retry_after=1))

    reading.poll()

    reading.assert_whole()
    reading.assert_client_was_right()
