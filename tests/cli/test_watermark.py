"""Watermarks are shown, and moved back and never forward, on the record."""

from __future__ import annotations

import pytest

from tests.cli.world import Desk


@pytest.fixture
def polled(desk: Desk) -> Desk:
    desk.run("once")
    return desk


def watermark(desk: Desk) -> str | None:
    found: str | None = desk.run("watermark", "list", "--json").rows[0]["watermark"]
    return found


def test_back_moves_by_a_span_and_the_next_poll_reads_from_there(polled: Desk) -> None:
    moved = polled.run(
        "watermark", "reset", "shop.orders", "--back", "10s", "--yes", "--why", "vendor import"
    )
    row = polled.run("once", "--json").rows[0]

    assert moved.code == 0
    assert "2026-09-21 14:13:10Z" in moved.out
    assert "11 rows" in moved.out
    assert row["watermark_before"] == "2026-09-21T14:13:10.000000000Z"
    assert row["watermark_after"] == "2026-09-21T14:13:20.000000000Z"
    assert (row["inserted"], row["updated"]) == (0, 0)


def test_to_and_start_move_there(polled: Desk) -> None:
    polled.run("watermark", "reset", "shop.orders", "--to", "2026-09-21T14:13:00Z", "--yes")
    assert watermark(polled) == "2026-09-21T14:13:00.000000000Z"

    polled.run("watermark", "reset", "shop.orders", "--start", "--yes")
    assert watermark(polled) is None


def test_every_move_is_on_the_record(polled: Desk) -> None:
    polled.run("watermark", "reset", "shop.orders", "--back", "1m", "--yes", "--why", "vendor import")

    shown = polled.run("watermark", "show", "shop.orders", "--json").rows[0]

    assert [(move["why"], move["to"]) for move in shown["moves"]] == [
        ("vendor import", "2026-09-21T14:12:20.000000000Z")
    ]
    assert "vendor import" in polled.run("watermark", "show", "shop.orders").out


def test_a_dry_run_moves_nothing(polled: Desk) -> None:
    ran = polled.run("watermark", "reset", "shop.orders", "--start", "--dry-run")

    assert ran.code == 0
    assert "30 rows" in ran.out
    assert watermark(polled) == "2026-09-21T14:13:20.000000000Z"


WRONG = [
    (("--to", "2027-01-01T00:00:00Z"), "would never be read"),
    (("--to", "yesterday"), "is no time"),
    (("--back", "7 fortnights"), "is not a duration"),
    (("--back", "7"), "has no unit"),
    (("--back", "999999d"), "before the year 1"),
    ((), "exactly one of"),
    (("--start", "--back", "7d"), "exactly one of"),
]


@pytest.mark.parametrize(
    ("words", "message"), WRONG, ids=[" ".join(words) or "nothing" for words, _ in WRONG]
)
def test_what_is_no_earlier_place_is_refused_and_nothing_moves(
    polled: Desk, words: tuple[str, ...], message: str
) -> None:
    ran = polled.run("watermark", "reset", "shop.orders", *words, "--yes")

    assert ran.code == 2
    assert message in ran.err
    assert watermark(polled) == "2026-09-21T14:13:20.000000000Z"


def test_without_a_terminal_and_without_yes_nothing_moves(polled: Desk) -> None:
    ran = polled.run("watermark", "reset", "shop.orders", "--start")

    assert ran.code == 2
    assert "--yes" in ran.err
    assert watermark(polled) == "2026-09-21T14:13:20.000000000Z"


def test_a_watermark_cannot_be_given_to_a_stream_that_has_none(polled: Desk) -> None:
    polled.run("watermark", "reset", "shop.orders", "--start", "--yes")

    ran = polled.run("watermark", "reset", "shop.orders", "--to", "2026-09-21T14:13:00Z", "--yes")

    assert ran.code == 2
    assert "no watermark yet" in ran.err


# --- set ----------------------------------------------------------------------------------------


def test_set_moves_forward_says_what_is_skipped_and_keeps_it_on_the_record(polled: Desk) -> None:
    moved = polled.run("watermark", "set", "shop.orders", "--to", "2026-09-21T15:00:00Z", "--yes")
    row = polled.run("once", "--json").rows[0]

    assert moved.code == 0
    assert "between 2026-09-21 14:13:20Z and 2026-09-21 15:00:00Z is skipped" in moved.err
    assert row["watermark_before"] == "2026-09-21T15:00:00.000000000Z"
    (move,) = polled.run("watermark", "show", "shop.orders", "--json").rows[0]["moves"]
    assert "skips what changed between 2026-09-21 14:13:20Z and 2026-09-21 15:00:00Z" in move["why"]


def test_set_moves_back_without_a_warning(polled: Desk) -> None:
    moved = polled.run("watermark", "set", "shop.orders", "--to", "2026-09-21T14:13:00Z", "--yes")

    assert moved.code == 0
    assert "skipped" not in moved.err
    assert watermark(polled) == "2026-09-21T14:13:00.000000000Z"


def test_set_gives_a_watermark_to_a_stream_that_has_none(polled: Desk) -> None:
    polled.run("watermark", "reset", "shop.orders", "--start", "--yes")

    moved = polled.run("watermark", "set", "shop.orders", "--to", "2026-09-21T14:13:00Z", "--yes")

    assert "everything before 2026-09-21 14:13:00Z is skipped" in moved.err
    assert watermark(polled) == "2026-09-21T14:13:00.000000000Z"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "exactly one of"),
        (("--to", "2026-09-21", "--token", "x"), "exactly one of"),
        (("--token", "x"), "goes by positions"),
        (("--to", "12345x"), "is no time"),
    ],
)
def test_what_is_no_place_of_the_stream_is_refused(
    polled: Desk, words: tuple[str, ...], message: str
) -> None:
    ran = polled.run("watermark", "set", "shop.orders", *words, "--yes")

    assert ran.code == 2
    assert message in ran.err
    assert watermark(polled) == "2026-09-21T14:13:20.000000000Z"


def test_nothing_is_skipped_unasked(polled: Desk) -> None:
    ran = polled.run("watermark", "set", "shop.orders", "--to", "2027-01-01T00:00:00Z")
    dry = polled.run("watermark", "set", "shop.orders", "--to", "2027-01-01T00:00:00Z", "--dry-run")

    assert (ran.code, dry.code) == (2, 0)
    assert "is skipped" in dry.err
    assert watermark(polled) == "2026-09-21T14:13:20.000000000Z"
