"""What is said while a command waits: how far runs have come, and where the work stands."""

from __future__ import annotations

import pytest

from poller.cli.asking import Followed
from poller.cli.progress import bar, standing
from poller.store.commands import CommandView


@pytest.mark.parametrize(
    ("done", "of", "shown"),
    [
        (0, 40, "[----------] 0/40"),
        (20, 40, "[#####-----] 20/40"),
        (4_000, 4_000, "[##########] 4,000/4,000"),
        (0, 0, "[##########] 0/0"),
    ],
)
def test_the_bar_fills_as_the_work_is_done(done: int, of: int, shown: str) -> None:
    assert bar(done, of) == shown


def test_each_command_says_where_it_stands() -> None:
    states = {
        1: ("waiting", None, "waits for its owner"),
        2: ("running", None, "waits for its turn behind a run (20 rows so far)"),
        3: ("running", {"done": 1, "of": 2}, "[#####-----] 1/2"),
    }
    views = {
        number: CommandView(number, state, None, progress, None, None, None)
        for number, (state, progress, _) in states.items()
    }
    followed = Followed(views, {number: f"crm.s{number}" for number in states})

    said = standing(followed, {"crm.s2": "20 rows"})

    assert said == {f"crm.s{number}": words for number, (_, _, words) in states.items()}


def test_a_poll_that_was_begun_is_known_by_its_rows_alone() -> None:
    view = CommandView(1, "running", "token", {}, None, None, None)

    assert standing(Followed({1: view}, {1: "crm.s"}), {"crm.s": "20 rows"}) == {}
