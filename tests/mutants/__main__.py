"""Plants each defect of mutants.toml in a copy of the checkout and demands that its tests fail.

``python -m tests.mutants [WORD …]`` runs those whose name contains a word; without words all.
Exit 1 when one survives, no longer fits the code, or breaks so early that no test has judged it;
also when the tests fail without any mutant, since then their failing says nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.mutants.catalogue import CatalogueError, Mutant, load

CHECKOUT = Path(__file__).resolve().parent.parent.parent
CATALOGUE = Path(__file__).with_name("mutants.toml")
AT_ONCE = 2
TIMEOUT = 180
_COPIED = ("poller", "migrations", "tests", "docs", "requirements")
_COPIED_FILES = ("*.toml", "*.md", "Makefile", "Dockerfile", "LICENSE", "compose.yaml", ".*ignore")
_TESTS_FAILED = 1  # pytest's exit code for "tests were run and some of them failed"


class Fate(StrEnum):
    """What became of a mutant. Only CAUGHT is good."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    STALE = "STALE"
    """The snippet is not in the file any more, or more than once."""
    BROKEN = "BROKEN"
    """No test judged it: collection failed, nothing was collected, or time ran out."""


@dataclass(frozen=True, slots=True)
class Result:
    """A mutant's fate; ``detail`` is what a reader needs when it is not CAUGHT; ``seconds`` it took."""

    mutant: Mutant
    fate: Fate
    detail: str
    seconds: float


def main(words: Sequence[str]) -> int:
    """Run the chosen mutants, two at a time; print a table; the exit code."""
    chosen = [mutant for mutant in load(CATALOGUE) if not words or any(word in mutant.name for word in words)]
    if not chosen:
        print(f"no mutant matches {' '.join(words) or CATALOGUE}")
        return 1
    complaint = baseline(chosen, CHECKOUT)
    if complaint is not None:
        print(f"the tests fail without any mutant, so they can judge none:\n{complaint}")
        return 1
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        results = list(pool.map(_announce, chosen))
    bad = [result for result in results if result.fate is not Fate.CAUGHT]
    for result in bad:
        print(f"\n{result.fate} {result.mutant.name}: {result.mutant.why}\n{result.detail}")
    print(f"\n{len(results) - len(bad)} of {len(results)} mutants caught")
    return 1 if bad else 0


def baseline(chosen: Sequence[Mutant], checkout: Path) -> str | None:
    """Run every named test on the code as it is; what pytest said when one failed, None when all passed."""
    named = list(dict.fromkeys(path for mutant in chosen for path in mutant.tests))
    with tempfile.TemporaryDirectory(prefix="poller-mutant-") as folder:
        _copy(checkout, Path(folder))
        run = _pytest(named, Path(folder), timeout=TIMEOUT * 4)
    return None if run.returncode == 0 else _tail(run)


def _announce(mutant: Mutant) -> Result:
    result = judge(mutant, CHECKOUT)
    print(f"{result.fate:9} {result.seconds:5.1f} s  {mutant.name}  ({mutant.file})", flush=True)
    return result


def judge(mutant: Mutant, checkout: Path) -> Result:
    """Plant ``mutant`` in a copy of ``checkout``, run its tests there, and say what became of it."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="poller-mutant-") as folder:
        copy = Path(folder)
        fate, detail = _plant_and_run(mutant, checkout, copy)
    return Result(mutant, fate, detail, time.monotonic() - began)


def _plant_and_run(mutant: Mutant, checkout: Path, copy: Path) -> tuple[Fate, str]:
    _copy(checkout, copy)
    target = copy / mutant.file
    try:
        target.write_text(mutant.planted(target.read_text(encoding="utf-8")), encoding="utf-8")
    except (CatalogueError, OSError) as error:
        return Fate.STALE, str(error)
    try:
        run = _pytest(mutant.tests, copy, TIMEOUT)
    except subprocess.TimeoutExpired:
        return Fate.BROKEN, f"no verdict within {TIMEOUT} s"
    if run.returncode == 0:
        return Fate.SURVIVED, _tail(run)
    return (Fate.CAUGHT, "") if run.returncode == _TESTS_FAILED else (Fate.BROKEN, _tail(run))


def _tail(run: subprocess.CompletedProcess[str]) -> str:
    return "\n".join((run.stdout + run.stderr).splitlines()[-15:])


def _copy(checkout: Path, copy: Path) -> None:
    for folder in _COPIED:
        if (checkout / folder).is_dir():
            shutil.copytree(checkout / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for pattern in _COPIED_FILES:
        for file in checkout.glob(pattern):
            shutil.copy2(file, copy / file.name)


def _pytest(tests: Sequence[str], copy: Path, timeout: float) -> subprocess.CompletedProcess[str]:
    # PYTHONPATH comes before the editable install, so that child processes run the copy as well;
    # the wheel is the unharmed one, so tests of the wheel judge nothing here.
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "CI": "1"}
    for unwanted in ("POLLER_INSTALLED", "POLLER_TEST_NO_SKIPS", "COVERAGE_PROCESS_START"):
        environment.pop(unwanted, None)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
