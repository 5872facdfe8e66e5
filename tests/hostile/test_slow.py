"""A server that drips or falls silent costs its own request, and no more than its deadline."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.hostile import slow
from tests.hostile.case import Case
from tests.hostile.ward import TIMEOUT, Ward, survives

CASES = list(slow.cases())
AT_ONCE = 12


def test_no_server_keeps_a_poll_longer_than_its_deadline_and_a_second(
    tmp_path: Path, empty_database: Path
) -> None:
    ward = Ward(tmp_path, empty_database, CASES)
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            wrong = [found for found in pool.map(functools.partial(_what_is_wrong, ward), CASES) if found]
    finally:
        ward.close()

    assert wrong == []


def _what_is_wrong(ward: Ward, case: Case) -> str | None:
    try:
        survives(ward, case, within=TIMEOUT + 1)
    except AssertionError as wrong:
        return f"{case}: {wrong}"
    return None
