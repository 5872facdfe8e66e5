"""Datasette, which nobody here wrote: 20,000 rows, ties longer than a page, and a writer that never waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from tests.real.datasette import ROWS, TIES, Datasette, build, oracle, serve, writer
from tests.real.mirror import Mirror, mirror_of

pytestmark = pytest.mark.slow

UPDATES = 500


@contextmanager
def source(
    folder: Path, rows: int = ROWS, key: Literal["integer", "text"] = "integer"
) -> Iterator[Datasette]:
    build(folder / "shop.db", rows, key=key)
    with serve(folder / "shop.db") as server:
        yield server


def poll_while_written(mirror: Mirror, path: Path, seconds: float) -> int:
    """One poll beside a writer; how many updates were committed while the poll ran."""
    with writer(path, UPDATES, seconds=seconds) as written:
        before = len(written.updated)
        mirror.once()
        return len(written.updated) - before


def assert_equal(mirror: Mirror, path: Path) -> None:
    truth = oracle(path)
    assert mirror.typed() == truth
    assert mirror.payloads() == truth


def assert_rests(mirror: Mirror) -> None:
    """A further run reads, writes no row of the mirror, and makes no change."""
    before = mirror.written()
    mirror.forbid_writing()

    run = mirror.once()

    assert run["outcome"] == "ok"
    assert run["rows_read"] == run["unchanged"] > 0
    assert (run["inserted"], run["updated"], run["deleted"], run["refused"], run["dead"]) == (0, 0, 0, 0, 0)
    assert mirror.written() == before


def test_a_table_that_is_written_meanwhile_is_equal_after_the_next_run_and_a_third_writes_nothing(
    tmp_path: Path,
) -> None:
    with source(tmp_path) as server:
        shop = tmp_path / "shop.db"
        mirror = mirror_of(server, server.stream_toml(size=100), tmp_path)

        meanwhile = poll_while_written(mirror, shop, seconds=4)
        healed = mirror.once()

        assert TIES > 100, "the runs of equal timestamps are to be longer than a page"
        assert meanwhile > UPDATES // 4, "the writer was to write while the first run read"
        assert healed["outcome"] == "ok"
        assert healed["rows_read"] < ROWS // 4, "the second run was to read what changed, not everything"
        assert_equal(mirror, shop)
        assert_rests(mirror)


def test_the_same_table_by_row_numbers(tmp_path: Path) -> None:
    with source(tmp_path) as server:
        shop = tmp_path / "shop.db"
        mirror = mirror_of(server, server.offset_toml(size=500), tmp_path)

        meanwhile = poll_while_written(mirror, shop, seconds=2)
        mirror.once()

        assert meanwhile > 0, "the writer was to write while the first run read"
        assert_equal(mirror, shop)
        assert_rests(mirror)


def test_text_keys_in_the_order_of_the_key(tmp_path: Path) -> None:
    with source(tmp_path, rows=5000, key="text") as server:
        shop = tmp_path / "shop.db"
        mirror = mirror_of(server, server.stream_toml(order="key", size=500), tmp_path)

        poll_while_written(mirror, shop, seconds=1)
        mirror.once()

        assert_equal(mirror, shop)
        assert_rests(mirror)
