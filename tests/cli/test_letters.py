"""Dead letters are counted, replayed and discarded by hand."""

from __future__ import annotations

import pytest

from tests.cli.world import Desk


@pytest.fixture
def lettered(desk: Desk) -> Desk:
    """Ten records of thirty have no key yet; one poll made letters of them."""
    desk.config.write_text(desk.config.read_text().replace('key = "id"', 'key = "sku"'))
    for row in desk.api.world.newest():
        if row.id > 10:
            desk.api.world.update(row.id, row.at, sku=f"S-{row.id}")
    desk.run("once")
    return desk


def key_by_id(desk: Desk) -> None:
    """The settings are put right, and the stream is read again from its start."""
    desk.config.write_text(desk.config.read_text().replace('key = "sku"', 'key = "id"'))
    desk.run("watermark", "reset", "shop.orders", "--start", "--yes")


def test_open_letters_are_counted_by_reason(lettered: Desk) -> None:
    grouped = lettered.run("dead-letters", "list", "--by-reason", "--json").rows
    listed = lettered.run("dead-letters", "list", "--limit", "3")

    assert [(row["stream"], row["reason"], row["letters"]) for row in grouped] == [("shop.orders", "key", 10)]
    assert "10 key in shop.orders" in listed.err
    assert len(listed.out.splitlines()) == 4
    assert "10" in lettered.run("dead-letters", "list", "--by-reason").out


def test_a_dry_run_counts_what_can_be_read_and_changes_nothing(lettered: Desk) -> None:
    still = lettered.run("dead-letters", "replay", "--all", "--dry-run", "--json").rows[0]
    key_by_id(lettered)
    ran = lettered.run("dead-letters", "replay", "--all", "--dry-run", "--json")

    assert (still["closed"], still["open"], still["reasons"]) == (0, 10, {"key": 10})
    assert (ran.rows[0]["outcome"], ran.rows[0]["closed"], ran.rows[0]["open"]) == ("dry-run", 10, 0)
    assert len(lettered.run("dead-letters", "list", "--json").rows) == 10


def test_letters_are_replayed_by_todays_settings_and_closed(lettered: Desk) -> None:
    key_by_id(lettered)

    ran = lettered.run("dead-letters", "replay", "--stream", "shop.orders", "--json")

    assert ran.code == 0
    assert [(row["outcome"], row["closed"], row["inserted"]) for row in ran.rows] == [("ok", 10, 10)]
    assert lettered.run("dead-letters", "list", "--json").rows == []
    closed = lettered.run("dead-letters", "list", "--all", "--json").rows
    assert {row["closed_how"] for row in closed} == {"replayed"}
    assert "replayed by run" in lettered.run("dead-letters", "show", "1").out
    assert lettered.run("runs", "--json").rows[-1]["kind"] == "replay"


def test_what_still_cannot_be_read_is_exit_1_and_stays_open(lettered: Desk) -> None:
    ran = lettered.run("dead-letters", "replay", "1", "2")

    assert ran.code == 1
    assert "still no records: 2 key" in ran.err
    assert len(lettered.run("dead-letters", "list", "--json").rows) == 10


def test_discarded_letters_are_closed_and_their_bytes_kept(lettered: Desk) -> None:
    ran = lettered.run("dead-letters", "discard", "--reason", "key", "--yes", "--json")

    assert (ran.code, ran.rows) == (0, [{"stream": "shop.orders", "discarded": 10}])
    assert lettered.run("dead-letters", "list", "--json").rows == []
    shown = lettered.run("dead-letters", "show", "1", "--json").rows[0]
    assert (shown["closed_how"], shown["closed_by"]) == ("discarded", None)
    assert shown["payload"].startswith("{")


def test_nothing_is_discarded_unasked(lettered: Desk) -> None:
    asked = lettered.run("dead-letters", "discard", "--all")
    dry = lettered.run("dead-letters", "discard", "--all", "--dry-run")

    assert (asked.code, dry.code) == (2, 0)
    assert "10 dead letters would be discarded" in dry.out
    assert len(lettered.run("dead-letters", "list", "--json").rows) == 10


@pytest.mark.parametrize("verb", ["replay", "discard"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "say which"),
        (("1", "--all"), "say which"),
        (("1", "77"), "77"),
        (("--stream", "shop.x"), "shop.x"),
    ],
)
def test_words_that_mean_no_open_letter_are_exit_2(
    lettered: Desk, verb: str, words: tuple[str, ...], message: str
) -> None:
    ran = lettered.run("dead-letters", verb, *words)

    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_no_open_letters_is_a_sentence(desk: Desk) -> None:
    desk.run("once")

    for verb in ("replay", "discard"):
        ran = desk.run("dead-letters", verb, "--all")
        assert (ran.code, ran.out) == (0, "")
        assert "no open dead letters" in ran.err


def test_letters_of_a_stream_that_the_settings_dropped_can_be_discarded_and_not_replayed(
    lettered: Desk,
) -> None:
    lettered.config.write_text(lettered.config.read_text().replace("streams.orders", "streams.others"))

    replayed = lettered.run("dead-letters", "replay", "--all")
    discarded = lettered.run("dead-letters", "discard", "--all", "--yes", "--json")

    assert replayed.code == 1
    assert "no such stream any more" in replayed.err
    assert discarded.rows == [{"stream": "shop.orders", "discarded": 10}]
