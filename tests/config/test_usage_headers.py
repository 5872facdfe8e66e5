"""The settings of usage headers, and the depth that each stream gets from its source's limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from poller.core.model import UsageHeaders
from tests.config.written import RIGHT, changed, problems_of, settings_of

RATE = 'rate_limit = "1000/minute"'


def test_usage_headers_arrive(tmp_path: Path) -> None:
    text = changed(RATE, 'usage_headers = { used = "X-Used", limit = "X-Limit" }')

    assert settings_of(text, tmp_path).sources[0].usage == UsageHeaders(used="X-Used", limit="X-Limit")
    assert settings_of(RIGHT, tmp_path).sources[0].usage is None


@pytest.mark.parametrize(
    ("written", "key", "what"),
    [
        ('{ used = "X Used", limit = "X-Limit" }', "used", "no header name"),
        ('{ used = "X-Used" }', "usage_headers", "limit"),
        ('{ used = "X-Used", limit = "X-Limit", left = "X" }', "left", "left"),
        ('"X-Used"', "usage_headers", "table"),
    ],
)
def test_wrong_usage_headers_are_refused_by_name(tmp_path: Path, written: str, key: str, what: str) -> None:
    problems = problems_of(changed(RATE, f"usage_headers = {written}"), tmp_path)

    (problem,) = problems.problems
    assert key in (problem.key or "")
    assert what in str(problem)


def test_a_stream_knows_how_deep_its_records_may_be(tmp_path: Path) -> None:
    shallow = settings_of(changed(RATE, "limits = { depth = 7 }"), tmp_path)

    assert shallow.streams[0].depth == 7
    assert settings_of(RIGHT, tmp_path).streams[0].depth == 100
