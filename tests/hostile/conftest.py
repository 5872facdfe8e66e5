"""An empty database for every ward, and assertions of the ward that say what they compared."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from poller.store.database import open_database

pytest.register_assert_rewrite("tests.hostile.ward")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the system tables, made by the migrations once."""
    path = tmp_path_factory.mktemp("empty") / "mirror.db"
    database = open_database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    return path


@pytest.fixture(scope="module", autouse=True)
def _in_silence() -> Iterator[None]:
    """Thousands of failures that are meant need no lines in a log."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()
