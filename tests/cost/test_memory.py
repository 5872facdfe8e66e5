"""Memory depends on the page size, never on the number of rows."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cost.once import Cost, once
from tests.cost.source import settings, source

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc"),
]

FEW = 20_000
MANY = 200_000
TOLERANCE = 1.15


def poll_of(rows: int, folder: Path) -> Cost:
    """What one first poll of that many rows cost, once they are all in the mirror."""
    folder.mkdir()
    with source(rows) as base_url:
        file = folder / "settings.toml"
        file.write_text(settings(base_url, f"sqlite:///{folder / 'mirror.db'}"))
        cost = once(file)
    with closing(sqlite3.connect(folder / "mirror.db")) as mirror:
        assert mirror.execute("SELECT count(*), max(id) FROM shop_orders").fetchone() == (rows, rows - 1)
        assert mirror.execute("SELECT count(*), max(seq) FROM poller_changes").fetchone() == (rows, rows)
    return cost


def test_a_poll_of_ten_times_the_rows_needs_no_more_memory(tmp_path: Path) -> None:
    few = poll_of(FEW, tmp_path / "few")
    many = poll_of(MANY, tmp_path / "many")

    assert many.peak <= few.peak * TOLERANCE, (
        f"{MANY:,} rows took {many.peak / 1e6:.1f} MB at the peak, {FEW:,} rows {few.peak / 1e6:.1f} MB: "
        "something is kept that grows with the rows"
    )
