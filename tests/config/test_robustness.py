"""Whatever stands in a settings file, the answer is settings or problems with a hint, never a traceback."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from poller.config import Settings, SettingsProblems, render_problem
from tests.config.test_right_settings import FULL
from tests.config.written import settings_of

VALUES = (
    "5",
    "-1",
    "0.5",
    "nan",
    "true",
    '""',
    '"x"',
    "'{since}'",
    "'{'",
    "[]",
    '["a", 1]',
    "[[]]",
    "{}",
    "{ a = 1 }",
    '{ type = "offset" }',
    "{ type = 5 }",
    "1979-05-27",
    "07:32:00",
    '"env:X"',
    '"5m"',
)
LINES = [number for number, line in enumerate(FULL.splitlines()) if re.match(r"[\w.]+ = ", line)]
KEYS = ("retry", "streams", "since", "page.x", "auth", '"a b"', "limits", "key")


@given(st.sampled_from(LINES), st.sampled_from(VALUES))
def test_any_value_in_any_place_is_taken_or_refused(number: int, value: str) -> None:
    lines = FULL.splitlines()
    lines[number] = f"{lines[number].split(' = ')[0]} = {value}"

    outcome = loaded("\n".join(lines))

    assert isinstance(outcome, Settings) or all(problem.hint for problem in outcome.problems)


@given(st.sampled_from(LINES), st.sampled_from(KEYS), st.sampled_from(VALUES))
def test_any_key_in_any_place_is_taken_or_refused(number: int, key: str, value: str) -> None:
    lines = FULL.splitlines()
    lines[number] = f"{key} = {value}"

    outcome = loaded("\n".join(lines))

    assert isinstance(outcome, Settings) or all(problem.hint for problem in outcome.problems)


@given(st.integers(0, len(FULL) - 1), st.integers(0, 40))
def test_a_file_with_a_hole_is_taken_or_refused(start: int, length: int) -> None:
    text = FULL[:start] + FULL[start + length :]

    outcome = loaded(text)

    assert isinstance(outcome, Settings) or all(
        problem.hint and render_problem(problem, text).endswith(problem.hint) for problem in outcome.problems
    )


def loaded(text: str) -> Settings | SettingsProblems:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return settings_of(text, Path(folder))
        except SettingsProblems as problems:
            return problems
