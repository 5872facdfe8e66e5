"""``poller check`` finds nothing to refuse in the settings of any family, with or without asking its API."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from poller.cli import call
from poller.core.hazards import Severity, hazards_of
from tests.emulators.families import FAMILIES
from tests.scenario.families import OpenReading


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """The command line sets logging up for its own process, which here is that of all tests."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    structlog.reset_defaults()
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.mark.parametrize("name", FAMILIES)
def test_no_settings_of_a_family_are_refused(open_reading: OpenReading, name: str) -> None:
    reading = open_reading(FAMILIES[name])

    refused = [
        hazard
        for stream in reading.streams
        for hazard in hazards_of(stream)
        if hazard.severity is Severity.REFUSED
    ]

    assert refused == []
    assert reading.house.settings.warnings == ()


@pytest.mark.parametrize("name", FAMILIES)
def test_check_reads_a_family_and_finds_it_as_its_settings_say(
    open_reading: OpenReading, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    reading = open_reading(FAMILIES[name])
    reading.model.fill(520)
    reading.write_whole_settings()

    code = call(["-c", str(reading.settings), "check", "--json"])

    shown = capsys.readouterr()
    subjects = [json.loads(line) for line in shown.out.splitlines()]
    failed = [each for subject in subjects for each in subject["findings"] if each["level"] == "failed"]
    assert (code, failed) == (0, []), shown.out
    assert sum(subject["requests"] for subject in subjects) > 0
    reading.assert_client_was_right()
