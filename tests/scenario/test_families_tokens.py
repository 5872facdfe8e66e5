"""A token is too old: everything is read again into the same table, and what went away is noticed."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.emulators.families.change_token import Events, Persons
from tests.emulators.families.model import Model
from tests.emulators.faults import Status
from tests.scenario.families import OpenReading, Reading, Storm

ROWS = 520

Forgetful = Events | Persons
FORGETFUL: dict[str, Callable[[Model], Forgetful]] = {
    "change token": Events,
    "delta link": Persons,
    "delta link, 410 with a Location": lambda model: Persons(model, located=True),
}


@pytest.fixture(params=FORGETFUL)
def reading(request: pytest.FixtureRequest, open_reading: OpenReading) -> Reading:
    """A family whose tokens can be forgotten, read once."""
    opened = open_reading(FORGETFUL[request.param])
    opened.model.fill(ROWS)
    opened.poll()
    opened.pass_time(60)
    return opened


def forget(reading: Reading) -> None:
    """Every token that was given out is too old from now on."""
    assert isinstance(reading.family, Events | Persons)
    reading.family.forget()


def settle(reading: Reading) -> None:
    """A quiet poll; then the mirror equals the model, and another writes nothing."""
    reading.quiet_poll()

    reading.assert_whole()
    reading.assert_feed_is_whole()
    settled = reading.written()
    reading.quiet_poll()
    assert reading.written() == settled
    reading.assert_client_was_right()


def test_a_token_that_is_too_old_is_followed_by_a_full_reading_into_the_same_table(reading: Reading) -> None:
    reading.model.touch_many(range(1, 30))
    forget(reading)

    reading.poll()

    reading.assert_feed_is_whole()
    assert reading.alive() == reading.family.shown()
    assert "token_expired" in reading.notices()
    reading.model.update(50)
    reading.model.delete(51)
    settle(reading)


def test_what_was_deleted_while_the_token_was_too_old_is_a_tombstone_when_all_was_read(
    reading: Reading,
) -> None:
    for number in (1, 260, 519, 520):
        reading.model.delete(number)
    reading.model.insert(id=260)
    reading.model.insert()
    forget(reading)

    reading.poll()

    assert len(reading.tombstones()) == 3
    assert reading.tombstones() == reading.family.buried()
    reading.assert_whole()
    reading.assert_feed_is_whole()
    settle(reading)


def test_no_tombstone_is_written_before_the_full_reading_is_drained(reading: Reading) -> None:
    reading.model.delete(1)
    forget(reading)
    begin = reading.api.requests
    reading.api.fault(begin + 4, *[Status(500)] * 5)

    reports = reading.any_poll()
    broken_off = reading.tombstones()
    reading.api.be_quiet()
    reading.poll()

    assert reports[0].error is not None
    assert broken_off == set()
    assert reading.tombstones() == reading.family.buried()
    settle(reading)


def test_a_token_that_is_forgotten_between_two_pages_costs_no_row(reading: Reading) -> None:
    reading.model.touch_many(range(1, 200))
    reading.model.delete(300)
    reading.api.before_response(reading.api.requests + 3, lambda _: forget(reading))

    reading.any_poll()

    settle(reading)


@pytest.mark.parametrize("make", FORGETFUL.values(), ids=FORGETFUL)
def test_pages_that_are_forgotten_in_the_first_listing_cost_no_row(
    open_reading: OpenReading, make: Callable[[Model], Forgetful]
) -> None:
    reading = open_reading(make)
    reading.model.fill(ROWS)

    def move_and_forget(model: Model) -> None:
        model.delete(5)
        model.insert()
        forget(reading)

    reading.api.before_response(4, move_and_forget)

    reading.any_poll()
    reading.quiet_poll()

    assert reading.alive() == reading.family.shown()
    reading.assert_feed_is_whole()
    reading.assert_client_was_right()


def test_pages_that_are_forgotten_again_in_the_full_reading_cost_no_row(reading: Reading) -> None:
    reading.model.delete(1)
    reading.model.touch_many(range(2, 20))
    begin = reading.api.requests
    forget(reading)

    def forget_and_delete(model: Model) -> None:
        forget(reading)
        model.delete(2)
        model.delete(400)

    reading.api.before_response(begin + 5, forget_and_delete)
    reading.any_poll()

    settle(reading)


def test_rows_that_move_during_the_full_reading_come_with_its_token(reading: Reading) -> None:
    forget(reading)
    reading.api.between_pages(Storm(random.Random(3), 60, back=True))

    reading.any_poll()

    settle(reading)


def test_a_full_reading_goes_on_in_another_process_and_still_knows_what_it_saw(reading: Reading) -> None:
    reading.model.delete(7)
    forget(reading)
    begin = reading.api.requests
    reading.api.fault(begin + 6, *[Status(500)] * 5)

    reading.any_poll()
    reading.restart()
    reading.api.be_quiet()
    reading.poll()

    assert reading.tombstones() == reading.family.buried()
    settle(reading)


def test_tokens_that_are_forgotten_all_the_time_end_well_once_they_are_kept(reading: Reading) -> None:
    dice = random.Random(11)
    for _ in range(5):
        storm = Storm(dice, 0, back=True)
        for _ in range(20):
            storm.move(reading.model)
        reading.api.between_pages(Storm(dice, 30, back=True))
        number = reading.api.requests + dice.randint(1, 8)
        reading.api.before_response(number, lambda _: forget(reading))
        reading.any_poll()
        reading.api.be_quiet()
        reading.pass_time(20)

    settle(reading)


def test_a_listing_of_changes_is_read_once_however_fast_rows_move(reading: Reading) -> None:
    reading.model.touch_many(range(1, 101))
    reading.api.between_pages(lambda model: model.touch_many(range(200, 230)))

    (report,) = reading.poll()

    assert (report.requests, report.rows) == (2, 100)
    settle(reading)


def test_a_full_reading_that_lacks_more_than_can_be_believed_buries_nothing_and_says_so(
    reading: Reading,
) -> None:
    for number in range(1, 200):
        reading.model.delete(number)
    forget(reading)

    reading.poll()

    assert reading.tombstones() == set()
    assert len(reading.alive()) == ROWS
    assert "absent_kept" in reading.notices()
