"""A site per test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from poller.store.database import open_database
from tests.engine.house import Site, site

OpenSite = Callable[..., Site]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the system tables, made by the migrations once."""
    path = tmp_path_factory.mktemp("empty") / "mirror.db"
    database = open_database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    return path


@pytest.fixture
def open_site(tmp_path: Path, empty_database: Path) -> Iterator[OpenSite]:
    """Opens a site: options of ``Endpoint`` in ``api``, the rest are settings of the stream."""
    opened: Callable[..., AbstractContextManager[Site]] = partial(site, tmp_path, empty_database)
    with ExitStack() as open_ones:

        def open_one(api: dict[str, Any] | None = None, **settings: Any) -> Site:
            return open_ones.enter_context(opened(api, **settings))

        yield open_one
