"""Where a watermark may go, for each kind of position: times, numbers and tokens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from poller.cli.failures import UsageError
from poller.cli.moves import Target, Wish, anywhere, earlier, place, skipped
from poller.core.model import Kind, SinceRule, Stream
from poller.core.path import Path
from poller.core.position import LARGEST_NUMBER, NUMBERS, TimeFormat
from poller.store.views_streams import StreamView
from tests.core.streams import a_stream

NUMBERED = a_stream(since=SinceRule(how=TimeFormat("integer"), kind=Kind.INTEGER))
TOKENED = a_stream(since=SinceRule(kind=Kind.TOKEN, token=Path("next_token")))
WHOLE = a_stream(since=None)


def view(watermark: int | None = None, text: str | None = None) -> StreamView:
    return StreamView(
        name="crm.calls",
        table="crm_calls",
        removed=False,
        epoch=1,
        seq=0,
        watermark=watermark,
        watermark_text=text,
        complete_through=None,
        fingerprint=None,
        drained_at=None,
        added_at=datetime(2026, 11, 21, tzinfo=UTC),
        moved_at=None,
        last_success=None,
        last_good_slot=None,
        last_outcome=None,
        last_error=None,
        open_missed=0,
        open_letters=0,
        rows=0,
        scan_pages=None,
        scan_rows=None,
    )


def test_a_number_goes_to_a_number_or_back_by_a_count() -> None:
    at_500 = view(NUMBERS + 500, "500")

    assert earlier(Wish(to="123"), at_500, NUMBERED) == Target(NUMBERS + 123, "123")
    assert earlier(Wish(back="100"), at_500, NUMBERED) == Target(NUMBERS + 400, "400")
    assert earlier(Wish(back="600"), at_500, NUMBERED) == Target(NUMBERS - 100, "-100")
    assert earlier(Wish(start=True), at_500, NUMBERED).is_start
    assert anywhere(Wish(to="700"), at_500, NUMBERED) == Target(NUMBERS + 700, "700")
    assert skipped(at_500, Target(NUMBERS + 700, "700")) == "what changed between 500 and 700"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Wish(to="501"), "lies ahead"),
        (Wish(to="2026-11-01"), "no whole number"),
        (Wish(back="7d"), "is no count"),
        (Wish(back="-3"), "is no count"),
        (Wish(back=str(3 * LARGEST_NUMBER)), "before the first number"),
    ],
)
def test_what_is_no_earlier_number_is_refused(wish: Wish, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        earlier(wish, view(NUMBERS + 500, "500"), NUMBERED)


def test_a_token_is_reset_to_the_start_alone_and_set_to_a_token() -> None:
    there = view(text="abc")

    assert earlier(Wish(start=True), there, TOKENED).is_start
    for wish in (Wish(back="7d"), Wish(to="2026-11-01")):
        with pytest.raises(UsageError, match="goes by tokens") as refused:
            earlier(wish, there, TOKENED)
        assert "--start" in (refused.value.hint or "")
    assert anywhere(Wish(token=""), there, TOKENED) == Target(None, "")
    assert not Target(None, "").is_start
    assert "between the two tokens" in (skipped(there, Target(None, "def")) or "")
    with pytest.raises(UsageError, match="nobody can count"):
        anywhere(Wish(to="2026-11-01"), there, TOKENED)


def test_a_stream_that_reads_everything_has_nowhere_to_go() -> None:
    with pytest.raises(UsageError, match="has no since"):
        anywhere(Wish(to="2026-11-01"), view(), WHOLE)


@pytest.mark.parametrize(
    ("stream", "hint"), [(TOKENED, "--token"), (NUMBERED, "--to 12345"), (a_stream(), "2026")]
)
def test_the_hint_names_what_the_stream_goes_by(stream: Stream, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        anywhere(Wish(), view(), stream)

    assert hint in (refused.value.hint or "")


def test_places_are_written_for_people() -> None:
    assert place(NUMBERS + 5, "5") == "5"
    assert place(0, None) == "1970-01-01 00:00:00Z"
    assert place(None, "abc") == "token abc"
    assert place(None, None) is None


def test_a_local_time_is_read_in_the_zone_of_the_stream() -> None:
    oslo = replace(a_stream(), since=SinceRule(how=TimeFormat("rfc3339", "Europe/Oslo")))

    found = anywhere(Wish(to="2026-11-01T12:00:00"), view(), oslo)

    assert found.text == "2026-11-01T11:00:00.000000000Z"
