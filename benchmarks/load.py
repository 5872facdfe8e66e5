"""How much CPU a first load takes: ``poller once`` beside a floor written by hand, in the same run.

    python -m benchmarks.load [--rows 200000] [--rounds 2]

Both read the same pages from one server process, which wrote them before anybody asked. What is
counted is the user and system time of the whole process, its start included; the best round counts.
Prints a table and the ratio; exits 1 when ``--at-most`` is given and the ratio is above it.
"""

from __future__ import annotations

import argparse
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.cost.source import PAGE, record, settings, source

Loader = Callable[[str, Path], list[str]]
"""From the base URL and an empty folder: the command that loads everything into ``mirror.db`` there."""


def main() -> int:
    """Measure, print, and say whether the ratio is within the bound that was asked for."""
    asked = _arguments()
    best: dict[str, float] = {}
    with source(asked.rows) as base_url:
        for _ in range(asked.rounds):
            for name, (loader, table) in LOADERS.items():
                best[name] = min(best.get(name, float("inf")), _load(loader, table, base_url, asked.rows))
    ratio = best["poller once"] / best["floor"]
    _say(asked.rows, best, ratio)
    return 1 if asked.at_most is not None and ratio > asked.at_most else 0


def _poller(base_url: str, folder: Path) -> list[str]:
    file = folder / "settings.toml"
    file.write_text(settings(base_url, f"sqlite:///{folder / 'mirror.db'}"))
    return [sys.executable, "-m", "poller", "--quiet", "--config", str(file), "once"]


def _floor(base_url: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.floor", base_url, str(folder / "mirror.db")]


LOADERS: dict[str, tuple[Loader, str]] = {
    "floor": (_floor, "orders"),
    "poller once": (_poller, "shop_orders"),
}
"""Each with the table that it fills."""


def _load(loader: Loader, table: str, base_url: str, rows: int) -> float:
    """CPU seconds of one load. Raises when it fails or does not bring every row."""
    with tempfile.TemporaryDirectory(prefix="poller-benchmark-") as made:
        folder = Path(made)
        command = loader(base_url, folder)
        before = _cpu_of_children()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 (our own two programs)
        spent = _cpu_of_children() - before
        with closing(sqlite3.connect(folder / "mirror.db")) as mirror:
            found = mirror.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 (one of two constants)
    if found != rows:
        raise RuntimeError(f"{' '.join(command)} brought {found:,} rows of {rows:,}")
    return spent


def _cpu_of_children() -> float:
    """Of those that have ended: the source does not count, it still runs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _say(rows: int, best: dict[str, float], ratio: float) -> None:
    size = len(record(rows // 2).encode())
    lines = [f"{rows:,} records of {size} bytes, pages of {PAGE:,}, into SQLite"]
    for name, cpu in best.items():
        lines.append(f"  {name:<12} {cpu:6.2f} CPU s  {cpu / rows * 1e6:6.1f} µs a record")
    sys.stdout.write("\n".join([*lines, f"  ratio        {ratio:6.2f}\n"]))


def _arguments() -> argparse.Namespace:
    promise = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=promise)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=2, help="the best of so many rounds counts")
    parser.add_argument("--at-most", type=float, help="fail when the ratio is above this")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
