"""A real SQLite file for every test of the store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from poller.store.database import open_database
from tests.store.world import World


@pytest.fixture(scope="session")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the system tables and nothing else, made once by the migrations."""
    path = tmp_path_factory.mktemp("template") / "mirror.db"
    database = open_database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    return path


@pytest.fixture
def world(upgraded: Path, tmp_path: Path) -> Iterator[World]:
    """One source with one stream, its lease held, its database in a file."""
    shutil.copy(upgraded, tmp_path / "mirror.db")
    made = World(tmp_path / "mirror.db")
    yield made
    made.close()
