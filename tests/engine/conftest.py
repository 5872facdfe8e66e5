"""A site per test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.engine.house import Site, site
from tests.scenario.conftest import empty_database

__all__ = ["empty_database", "open_site"]

OpenSite = Callable[..., Site]


@pytest.fixture
def open_site(tmp_path: Path, empty_database: Path) -> Iterator[OpenSite]:
    """Opens a site: options of ``Endpoint`` in ``api``, the rest are settings of the stream."""
    opened: Callable[..., AbstractContextManager[Site]] = partial(site, tmp_path, empty_database)
    with ExitStack() as open_ones:

        def open_one(api: dict[str, Any] | None = None, **settings: Any) -> Site:  # noqa: ANN401
            return open_ones.enter_context(opened(api, **settings))

        yield open_one
