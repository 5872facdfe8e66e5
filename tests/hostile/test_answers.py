"""Whatever a server answers: a clear end in time, no page-mate lost, and everything there once it is good."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hostile import bodies, encodings, framing, headers, lies, statuses, values
from tests.hostile.case import Case
from tests.hostile.ward import Ward, survives

FAMILIES = {
    module.__name__.rpartition(".")[2]: module
    for module in (statuses, framing, encodings, bodies, values, lies, headers)
}
EVERY = "POLLER_TEST_HOSTILE" in os.environ
"""Set by ``make hostile``. Without it every sixth case stands for its neighbours."""
CASES = [
    (family, case)
    for family, module in FAMILIES.items()
    for number, case in enumerate(module.cases())
    if EVERY or number % 6 == 0
]
BEDS = 150
"""Cases of one house."""


@pytest.fixture(scope="module")
def ward_of(
    tmp_path_factory: pytest.TempPathFactory, empty_database: Path
) -> Iterator[Callable[[Case], Ward]]:
    """The house that a case lives in; one is open at a time."""
    cases = [case for _, case in CASES]
    places = {str(case): number // BEDS for number, case in enumerate(cases)}
    wards: dict[int, Ward] = {}

    def opened(case: Case) -> Ward:
        place = places[str(case)]
        if place not in wards:
            for ward in wards.values():
                ward.close()
            wards.clear()
            folder = tmp_path_factory.mktemp("ward")
            wards[place] = Ward(folder, empty_database, cases[place * BEDS : (place + 1) * BEDS])
        return wards[place]

    yield opened
    for ward in wards.values():
        ward.close()


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{family}: {case}") for family, case in CASES])
def test_a_hostile_answer_is_survived(ward_of: Callable[[Case], Ward], case: Case) -> None:
    survives(ward_of(case), case)
