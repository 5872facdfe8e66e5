"""Page numbers that move both ways between two readings: no single response shows both sides of the edge."""

from __future__ import annotations

import pytest

from tests.emulators.families import FAMILIES
from tests.emulators.families.api import Hook
from tests.emulators.families.model import Model
from tests.scenario.families import OpenReading, Reading

PAGE = 80
"""Rows that the server gives, whatever is asked."""


@pytest.mark.parametrize("born", [1, 3], ids=["as many came as went", "more came than went"])
@pytest.mark.parametrize("edge", [1, 2, 3])
def test_a_row_that_slides_over_an_edge_and_back_between_two_readings_is_not_lost(
    open_reading: OpenReading, edge: int, born: int
) -> None:
    reading = open_reading(FAMILIES["page numbers, newest first"])
    reading.model.fill(4 * PAGE)
    newest = max(reading.model.ids())

    def come_back(model: Model) -> None:
        for _ in range(born):
            model.clock.advance(1)
            model.insert()

    after_page(reading, edge, lambda model: model.delete(newest))
    after_page(reading, edge + 1, come_back)

    reading.poll()
    reading.quiet_poll()

    reading.assert_whole()


@pytest.mark.parametrize("edge", [1, 2])
def test_a_row_that_slides_over_an_edge_and_back_twice_is_not_lost(
    open_reading: OpenReading, edge: int
) -> None:
    reading = open_reading(FAMILIES["page numbers, newest first"])
    reading.model.fill(4 * PAGE)

    def go(model: Model) -> None:
        model.delete(max(model.ids()))

    def come(model: Model) -> None:
        model.clock.advance(1)
        model.insert()

    after_page(reading, edge, go)
    after_page(reading, edge + 1, come)
    after_page(reading, edge + 2, go)

    reading.poll()
    reading.quiet_poll()

    reading.assert_whole()


def after_page(reading: Reading, number: int, hook: Hook) -> None:
    """Move the model once, when page ``number`` has been read for the first time."""
    waiting = [hook]

    def look(model: Model) -> None:
        if waiting and dict(reading.api.log[-1].asked.query)["page"] == str(number):
            waiting.pop()(model)

    reading.api.between_pages(look)
