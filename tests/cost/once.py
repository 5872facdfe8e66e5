"""One ``poller once`` in this process, and then what it cost: peak memory and CPU time, as a line of JSON.

The kernel's own high-water mark of this address space is read, because what ``getrusage`` calls
the largest resident set of a child begins with that of its parent (Linux keeps it over exec).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from poller.cli import call


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process, whole: ``peak`` in bytes, ``cpu`` in seconds (user and system)."""

    peak: int
    cpu: float


def once(settings: Path) -> Cost:
    """Run ``poller once`` under ``settings`` in a new process. Fails when the command does."""
    command = [sys.executable, "-m", "tests.cost.once", str(settings)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    code = call(["--config", sys.argv[1], "once"])
    times = os.times()
    print(json.dumps({"peak": _peak(), "cpu": times.user + times.system}), flush=True)
    sys.exit(code)


def _peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this kernel does not tell a process's peak memory (no VmHWM in /proc/self/status)")


if __name__ == "__main__":
    main()
