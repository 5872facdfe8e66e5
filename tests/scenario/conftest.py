"""A world per test, on a copy of one migrated database."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from poller.store.database import open_database
from tests.emulators.endpoint import Endpoint
from tests.emulators.scripted import Emulator
from tests.scenario.families import open_reading  # noqa: F401 (a fixture)
from tests.scenario.world import World, frozen_clock, settings_text

OpenWorld = Callable[..., World]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the system tables, made by the migrations once."""
    path = tmp_path_factory.mktemp("empty") / "mirror.db"
    database = open_database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    return path


@pytest.fixture
def open_world(tmp_path: Path, empty_database: Path) -> Iterator[OpenWorld]:
    """Opens worlds: options of ``Endpoint`` in ``api``, the rest are settings of the stream."""
    with ExitStack() as open_ones:

        def open_one(api: dict[str, Any] | None = None, *, seed: int = 1, **settings: Any) -> World:  # noqa: ANN401
            folder = tmp_path / str(sum(1 for _ in tmp_path.iterdir()))
            folder.mkdir()
            shutil.copy(empty_database, folder / "mirror.db")
            endpoint = Endpoint(**(api or {}))
            source = Emulator(endpoint, clock=frozen_clock(), seed=seed)
            text = settings_text(source.base_url, folder / "mirror.db", endpoint, **settings)
            return open_ones.enter_context(World(folder, source, text))

        yield open_one
