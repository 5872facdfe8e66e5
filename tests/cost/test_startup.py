"""Help is there at once: it imports none of what the work needs."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys

import pytest

HEAVY = ("alembic", "apscheduler", "httpcore", "httpx", "rich", "sqlalchemy", "tenacity", "whenever")
SECONDS = 0.2
TRIES = 5


def cpu_of(command: list[str]) -> float:
    """Seconds of user and system time that a command takes, from its first instruction to its exit."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=own)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_help_takes_less_than_a_fifth_of_a_second_of_cpu() -> None:
    command = [sys.executable, "-m", "poller", "--help"]

    fastest = min(cpu_of(command) for _ in range(TRIES))

    assert fastest < SECONDS, (
        f"`poller --help` takes {fastest:.3f} s of CPU at best; ask `python -X importtime -m poller --help`"
    )


@pytest.mark.parametrize("arguments", [["--help"], ["once", "--help"], ["--version"]], ids=" ".join)
def test_help_imports_nothing_that_only_the_work_needs(arguments: list[str]) -> None:
    code = (
        f"import json, sys; from poller.cli import call; code = call({arguments!r});"
        " print(json.dumps(sorted(sys.modules)), file=sys.stderr); sys.exit(code)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout
    assert set(json.loads(done.stderr)).intersection(HEAVY) == set()
