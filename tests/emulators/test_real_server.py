"""What the real server was seen to do is what it does: a new Datasette may not surprise us."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.real.datasette import TIES, Datasette, Key, build, oracle, serve, writer

ROWS = 2500
EVERYTHING = "updated_at__gte=2000-01-01T00:00:00Z"


def read(server: Datasette, query: str) -> Any:  # noqa: ANN401 (any JSON value)
    target = query if query.startswith("http") else f"{server.base_url}{server.path}?_shape=objects&{query}"
    with urllib.request.urlopen(target, timeout=10) as answer:
        return json.load(answer)


def follow(server: Datasette, query: str) -> dict[Key, dict[str, Any]]:
    """Every row that ``next_url`` leads to."""
    seen: dict[Key, dict[str, Any]] = {}
    following: str | None = query
    while following is not None:
        page = read(server, following)
        seen |= {row["id"]: row for row in page["rows"]}
        following = page["next_url"]
    return seen


@pytest.fixture(scope="module", params=["integer", "text"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Datasette, Path]]:
    path = tmp_path_factory.mktemp("real") / "shop.db"
    key: Literal["integer", "text"] = request.param
    build(path, ROWS, key=key)
    with serve(path, largest_page=200) as server:
        yield server, path


def test_without_a_sort_every_row_is_reached_by_next_url(shop: tuple[Datasette, Path]) -> None:
    server, path = shop

    seen = follow(server, f"_size=200&{EVERYTHING}")

    assert seen == oracle(path)


def test_sorted_by_a_column_ties_are_lost_unless_the_key_is_the_rowid(shop: tuple[Datasette, Path]) -> None:
    server, path = shop

    missing = set(oracle(path)) - set(follow(server, f"_sort=updated_at&_size=150&{EVERYTHING}"))

    stamps = [row["updated_at"] for row in oracle(path).values()]
    assert max(stamps.count(stamp) for stamp in set(stamps)) == TIES
    is_rowid = isinstance(next(iter(oracle(path))), int)
    assert bool(missing) is not is_rowid


def test_the_next_url_is_absolute_keeps_the_filter_and_is_null_at_the_end(
    shop: tuple[Datasette, Path],
) -> None:
    server, _ = shop

    first = read(server, f"_sort=updated_at&_size=10&{EVERYTHING}")
    end = read(server, "_sort=updated_at&_size=10&updated_at__gte=2999-01-01T00:00:00Z")

    assert first["next_url"].startswith(f"{server.base_url}{server.path}?")
    assert "updated_at__gte=2000-01-01T00%3A00%3A00Z" in first["next_url"]
    assert (end["rows"], end["next"], end["next_url"]) == ([], None, None)


def test_a_page_larger_than_allowed_is_refused(shop: tuple[Datasette, Path]) -> None:
    server, _ = shop

    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        read(server, "_size=201")

    refused.value.close()


def test_a_writer_updates_beside_the_server(shop: tuple[Datasette, Path]) -> None:
    server, path = shop
    before = oracle(path)

    with writer(path, 20, seconds=0.2) as did:
        pass

    changed = {key for key, row in oracle(path).items() if row != before[key]}
    assert changed == set(did.updated)
    assert follow(server, EVERYTHING) == oracle(path)
