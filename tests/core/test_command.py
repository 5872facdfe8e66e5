"""What is asked of an owner, and what it answers, come back from JSON as they were."""

from __future__ import annotations

import json

import pytest

from poller.core.command import Move, read_counts, read_report, written_report
from poller.core.errors import Category
from poller.core.position import NUMBERS
from poller.core.runs import Outcome, Report
from poller.core.steps import Committed

OK = Report(
    "crm.issues", 7, Outcome.OK, Committed(1, 2, 3, 4, 5, 6, 7, 8), 20, 2, 1_790_000_000_123_456_789, None
)
FAILED = Report(
    "crm.issues",
    None,
    Outcome.FAILED,
    Committed(),
    0,
    0,
    NUMBERS + 12_345,
    NUMBERS + 12_346,
    category=Category.FORBIDDEN,
    error="HTTP 403",
    hint="ask for a wider scope",
)


@pytest.mark.parametrize("report", [OK, FAILED])
def test_a_report_comes_back_exactly(report: Report) -> None:
    assert read_report(json.loads(json.dumps(written_report(report)))) == report


def test_counters_of_another_version_are_left_out_or_zero() -> None:
    assert read_counts({"inserted": 3, "invented": 9}) == Committed(inserted=3)


@pytest.mark.parametrize(("to", "text"), [(None, None), (NUMBERS + 5, "5"), (None, "")])
def test_a_move_comes_back_exactly(to: int | None, text: str | None) -> None:
    move = Move("crm.issues", to, text, "anna@desk", "vendor import")

    assert Move.read("crm.issues", json.loads(json.dumps(move.written()))) == move
