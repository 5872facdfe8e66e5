"""A real SQLite file for every test of the store, and the fewest words to talk to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One source with one stream, its lease held, its database in a file."""
    made = World(tmp_path / "mirror.db")
    yield made
    made.close()
