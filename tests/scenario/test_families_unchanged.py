"""304 Not Modified is a successful poll that writes nothing, and never hides a change."""

from __future__ import annotations

import pytest

from tests.emulators.families import FAMILIES
from tests.emulators.families.full_list import Countries
from tests.emulators.faults import Status
from tests.scenario.families import OpenReading, Reading

ROWS = 520


def statuses(reading: Reading) -> list[int]:
    return [entry.status for entry in reading.api.log]


@pytest.mark.parametrize("name", ["full list", "modified since"])
def test_an_unchanged_list_costs_one_request_without_a_body_and_no_write(
    open_reading: OpenReading, name: str
) -> None:
    reading = open_reading(FAMILIES[name])
    reading.model.fill(ROWS)
    reading.poll()
    settled = reading.written()

    reports = [*reading.quiet_poll(), *reading.quiet_poll()]

    assert statuses(reading) == [200, 304, 304]
    assert [(report.rows, report.requests) for report in reports] == [(0, 1), (0, 1)]
    assert reading.written() == settled
    reading.assert_whole()
    reading.assert_client_was_right()


@pytest.mark.parametrize(
    ("name", "answers"),
    [("full list", [200, 304, 200, 304, 304]), ("modified since", [200, 304, 200, 200, 304])],
)
def test_a_change_behind_a_304_is_read_and_then_the_list_is_unchanged_again(
    open_reading: OpenReading, name: str, answers: list[int]
) -> None:
    reading = open_reading(FAMILIES[name])
    reading.model.fill(ROWS)
    reading.poll()
    reading.quiet_poll()

    reading.model.touch_many(range(5, 15))
    reading.model.insert()
    (report,) = reading.poll()
    reading.quiet_poll()
    reading.quiet_poll()

    assert (report.done.inserted, report.done.updated) == (1, 10)
    assert statuses(reading) == answers
    reading.assert_whole()
    reading.assert_feed_is_whole()
    reading.assert_client_was_right()


def test_a_row_that_changes_twice_in_one_second_is_not_hidden_behind_its_date(
    open_reading: OpenReading,
) -> None:
    reading = open_reading(FAMILIES["modified since"])
    reading.model.fill(ROWS)
    reading.pass_time(100)
    reading.model.update(7)

    reading.poll()
    reading.model.update(7)
    reading.quiet_poll()

    reading.assert_whole()


def test_an_answer_that_was_not_stored_is_not_known_again(open_reading: OpenReading) -> None:
    reading = open_reading(FAMILIES["full list"])
    reading.model.fill(ROWS)
    reading.poll()
    reading.model.update(1)
    reading.api.fault(2, *[Status(503)] * 5)

    (broken,) = reading.any_poll()
    reading.quiet_poll()

    assert broken.error is not None
    assert statuses(reading) == [200, *[503] * 5, 200]
    reading.assert_whole()


def test_a_restart_remembers_the_validators(open_reading: OpenReading) -> None:
    reading = open_reading(FAMILIES["full list"])
    reading.model.fill(ROWS)
    reading.poll()

    reading.restart()
    reading.quiet_poll()

    assert statuses(reading) == [200, 304]


def test_an_unchanged_first_page_of_several_hides_no_change_on_the_others(open_reading: OpenReading) -> None:
    reading = open_reading(FAMILIES["full list by offset"])
    reading.model.fill(ROWS)
    reading.poll()

    reading.model.update(ROWS)
    reading.quiet_poll()

    assert {entry.asked.header("If-None-Match") for entry in reading.api.log} == {None}
    assert 304 not in statuses(reading)
    reading.assert_whole()


def test_without_conditional_every_poll_reads_the_whole_list(open_reading: OpenReading) -> None:
    reading = open_reading(FAMILIES["full list"])
    reading.settings.write_text(
        reading.settings.read_text().replace("conditional = true", "conditional = false")
    )
    reading.restart()
    reading.model.fill(ROWS)

    reading.poll()
    reading.quiet_poll()

    assert statuses(reading) == [200, 200]
    assert isinstance(reading.family, Countries)
    assert reading.family.spared == 0
    reading.assert_whole()
