"""One word for what a combination of settings is promised."""

from __future__ import annotations

import pytest

from poller.config.promises import cells, promises_page
from poller.core.grade import Grade

GRADES = {str(cell): cell.grade for cell in cells()}


@pytest.mark.parametrize(
    ("cell", "grade"),
    [
        ("offset asc stable timestamp, closed", Grade.EXACT),
        ("offset asc unstable timestamp, closed", Grade.REFUSED),
        ("offset none stable no since", Grade.REFUSED),
        ("page asc stable integer, open", Grade.EXACT),
        ("page desc stable timestamp, closed", Grade.AGREED),
        ("page key stable no since", Grade.EXACT),
        ("cursor asc stable timestamp, open", Grade.EXACT),
        ("cursor asc unstable timestamp, open", Grade.AGREED),
        ("cursor desc stable timestamp, open", Grade.TRUSTED),
        ("cursor none stable token", Grade.TRUSTED),
        ("cursor, from_key desc stable timestamp, closed", Grade.EXACT),
        ("cursor, from_key desc unstable timestamp, closed", Grade.TRUSTED),
        ("cursor, from_key key unstable timestamp, closed", Grade.EXACT),
        ("none none stable no since", Grade.TRUSTED),
        ("keyset asc unstable timestamp, closed", Grade.EXACT),
    ],
)
def test_a_combination_has_its_grade(cell: str, grade: Grade) -> None:
    assert GRADES[cell] is grade


def test_what_settings_refuse_is_no_combination() -> None:
    assert "keyset desc stable timestamp, closed" not in GRADES
    assert "offset asc stable token" not in GRADES


def test_the_page_has_a_row_for_every_way_of_paging_and_order() -> None:
    page = promises_page()

    assert "| page | desc | stable | agreed |" in page
    assert "| keyset | none | stable | - | - | - | - | trusted | - |" in page
