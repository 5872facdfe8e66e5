"""A cursor that counts rows or pages is an offset, however it is dressed."""

from __future__ import annotations

import base64

import pytest

from poller.core.scan.disguise import counts_rows

B64 = base64.urlsafe_b64encode(b'{"offset": 40}').decode()


@pytest.mark.parametrize(
    ("cursor", "before"),
    [
        (40, None),
        ("40", "20"),
        ("https://api.example/rows?offset=40&limit=20", "https://api.example/rows?offset=20&limit=20"),
        ("?limit=40&offset=40", "?limit=40&offset=20"),
        ("/rows?page=2", None),
        ("/rows?page=3", "/rows?page=2"),
        (B64, base64.urlsafe_b64encode(b'{"offset": 20}').decode()),
        ("41", None),
        ("offset40", "offset20"),
        ("p3", "p2"),
    ],
)
def test_a_cursor_that_counts_is_found(cursor: str | int, before: str | None) -> None:
    assert counts_rows(cursor, before, rows=40, pages=2)


@pytest.mark.parametrize(
    ("cursor", "before"),
    [
        ("http://127.0.0.2/v2/rows?token=abc", None),
        ("/rows?limit=40&after=xyz", "/rows?limit=40&after=abc"),
        ("eyJpZCI6IDk5OX0=", None),
        ("?$skiptoken=40a3f2c41d0e9b2", None),
        ("?%24skiptoken=zz", None),
        ("", None),
    ],
)
def test_numbers_that_stand_still_count_nothing(cursor: str, before: str | None) -> None:
    assert not counts_rows(cursor, before, rows=40, pages=2)
