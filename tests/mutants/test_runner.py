"""The runner tells a caught defect from one that survived, went stale, or was never judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.__main__ import CATALOGUE, Fate, baseline, judge
from tests.mutants.catalogue import CatalogueError, Mutant, load

CODE = "def double(number):\n    return number * 2\n"
TEST = "from poller.arithmetic import double\n\ndef test_double():\n    assert double(3) == 6\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "poller").mkdir()
    (tmp_path / "poller" / "__init__.py").write_text("")
    (tmp_path / "poller" / "arithmetic.py").write_text(CODE)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_arithmetic.py").write_text(TEST)
    return tmp_path


def mutant(original: str, replacement: str, test: str = "tests/test_arithmetic.py") -> Mutant:
    return Mutant("m", "poller/arithmetic.py", original, replacement, "six would be something else", (test,))


@pytest.mark.parametrize(
    ("planted", "fate"),
    [
        (mutant("* 2", "* 3"), Fate.CAUGHT),
        (mutant("number * 2", "2 * number"), Fate.SURVIVED),
        (mutant("* 4", "* 3"), Fate.STALE),
        (mutant("number", "value"), Fate.STALE),
        (mutant("return", "return ("), Fate.BROKEN),
        (mutant("* 2", "* 3", test="tests/test_nothing.py"), Fate.BROKEN),
    ],
)
def test_a_mutant_meets_its_fate(checkout: Path, planted: Mutant, fate: Fate) -> None:
    result = judge(planted, checkout)

    assert result.fate is fate, result.detail
    assert (checkout / "poller" / "arithmetic.py").read_text() == CODE


def test_tests_that_fail_already_can_judge_no_mutant(checkout: Path) -> None:
    chosen = [mutant("* 2", "* 3")]
    assert baseline(chosen, checkout) is None

    (checkout / "poller" / "arithmetic.py").write_text(CODE.replace("2", "5"))

    complaint = baseline(chosen, checkout)
    assert complaint is not None
    assert "test_double" in complaint


def test_every_entry_of_the_catalogue_fits_the_code_as_it_is() -> None:
    checkout = CATALOGUE.parent.parent.parent

    for entry in load(CATALOGUE):
        entry.planted((checkout / entry.file).read_text())
        for path in entry.tests:
            assert (checkout / path.partition("::")[0]).exists(), f"{entry.name}: {path} does not exist"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[mutant]]\nname = "a"', "tests"),
        ('[[mutant]]\nname = "a"\ntests = ["t"]', "missing"),
        ('[[mutant]]\nname = "a"\ntests = "t"', "list"),
        (
            '[[mutant]]\nname="a"\nfile="f"\noriginal="x"\nreplacement="x"\nwhy="a b c d"\ntests=["t"]',
            "replacement is the original",
        ),
    ],
)
def test_a_malformed_entry_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "mutants.toml"
    file.write_text(text)

    with pytest.raises(CatalogueError, match=complaint):
        load(file)
