"""A stage for each test: its servers and voices are closed at its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http.world import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    it = Stage()
    yield it
    it.close()
