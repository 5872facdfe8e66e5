"""What a stream is promised follows from pager, order, ties and since; what can lose rows has a name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from poller.core.guarantee import guarantee
from poller.core.hazards import Severity
from poller.core.model import Bound, Kind, Order, SinceRule, Stream
from poller.core.paging import Pager
from poller.core.path import Path
from poller.core.position import TimeFormat
from poller.core.request import Template
from poller.pagers.cursor import Cursor
from poller.pagers.keyset import Keyset
from poller.pagers.next_url import NextUrl
from poller.pagers.none import SinglePage
from poller.pagers.offset import Offset
from poller.pagers.page import PageNumber
from poller.schedules.interval import Interval

HOUR = timedelta(hours=1)
OPAQUE = Cursor(next=Path("next"))
BY_KEY = Cursor(from_key=True)
BY_URL = NextUrl(next=Path("next"))


def stream(**changes: Any) -> Stream:  # noqa: ANN401
    """Ascending, by offset, with {since} and a lookback: nothing to object to."""
    params = (("since", "{since}"), ("offset", "{offset}"))
    whole = Stream(
        source="shop",
        name="orders",
        table="shop_orders",
        template=Template("GET", "/orders", params),
        pager=Offset(),
        schedule=Interval(HOUR),
        updated_at=Path("updated_at"),
        order=Order.ASC,
        since=SinceRule(lookback=timedelta(minutes=2)),
    )
    return replace(whole, **changes)


def without_since(**changes: Any) -> Stream:  # noqa: ANN401
    return stream(since=None, template=Template("GET", "/orders"), **changes)


def names(of: Stream) -> set[str]:
    return {hazard.name for hazard in guarantee(of).hazards}


def words(of: Stream) -> str:
    return " ".join(guarantee(of).sentences)


def since(**changes: Any) -> SinceRule:  # noqa: ANN401
    return SinceRule(**{"lookback": timedelta(minutes=2), **changes})


NUMBERED = PageNumber()
TOKEN = SinceRule(kind=Kind.TOKEN, token=Path("token"))
COUNTED_ONE_BY_ONE = SinceRule(kind=Kind.INTEGER, bound_unsaid=True, settle=timedelta(minutes=1))
LIFETIME = frozenset({"cursor-lifetime"})

# --- hazards ----------------------------------------------------------------------------------


def test_ascending_with_since_and_lookback_has_no_hazard() -> None:
    assert guarantee(stream()).hazards == ()


REFUSED = [
    (stream(order=Order.NONE), "order-none-offset"),
    (without_since(order=Order.NONE, updated_at=None), "order-none-offset"),
    (stream(ties="unstable"), "unstable-ties-offset"),
    (stream(ties="unstable", order=Order.DESC), "unstable-ties-offset"),
    (stream(since=since(how=TimeFormat(zone="Europe/Oslo"))), "naive-local-time"),
    (stream(since=since(how=TimeFormat(zone="America/St_Johns"))), "naive-local-time"),
    (stream(pager=NUMBERED, order=Order.NONE), "order-none-page"),
    (stream(pager=NUMBERED, ties="unstable"), "unstable-ties-page"),
    (stream(since=SinceRule(bound_unsaid=True, settle=timedelta(minutes=1))), "bound-unsaid"),
    (stream(since=COUNTED_ONE_BY_ONE), "bound-unsaid"),
]


@pytest.mark.parametrize(("settings", "name"), REFUSED, ids=[name for _, name in REFUSED])
def test_settings_that_can_lose_rows_are_refused(settings: Stream, name: str) -> None:
    assert [hazard.name for hazard in guarantee(settings).refused] == [name]


CAUTIONS = [
    (stream(pager=Keyset()), "keyset-large-ties"),
    (stream(pager=OPAQUE, order=Order.DESC, accept=LIFETIME), "opaque-cursor"),
    (stream(pager=BY_URL, order=Order.KEY, accept=LIFETIME), "opaque-cursor"),
    (stream(pager=OPAQUE, order=Order.NONE, accept=LIFETIME), "order-none-cursor"),
    (stream(pager=OPAQUE, order=Order.DESC, accept=frozenset({"opaque-cursor"})), "cursor-lifetime"),
    (without_since(pager=SinglePage(), order=Order.NONE), "single-page"),
    (stream(since=SinceRule(kind=Kind.INTEGER)), "no-lookback"),
    (stream(since=SinceRule()), "no-lookback"),
    (stream(since=SinceRule(how=TimeFormat("raw"))), "no-lookback"),
]


@pytest.mark.parametrize(("settings", "name"), CAUTIONS, ids=[name for _, name in CAUTIONS])
def test_what_rests_on_the_api_is_a_caution(settings: Stream, name: str) -> None:
    found = guarantee(settings)

    assert [(hazard.name, hazard.severity) for hazard in found.hazards] == [(name, Severity.CAUTION)]
    assert found.refused == ()


SAFE = [
    stream(order=Order.KEY, ties="unstable"),
    stream(pager=OPAQUE, ties="unstable"),
    stream(pager=BY_KEY, order=Order.DESC),
    without_since(pager=OPAQUE, order=Order.DESC),
    without_since(pager=OPAQUE, order=Order.NONE),
    stream(since=SinceRule(settle=timedelta(minutes=1))),
    stream(since=since(how=TimeFormat(zone="Asia/Tokyo"))),
    stream(since=SinceRule(how=TimeFormat(zone="Europe/Oslo"), lookback=HOUR)),
    without_since(order=Order.KEY),
    stream(pager=NUMBERED),
    stream(pager=NUMBERED, order=Order.DESC),
    stream(since=since(bound_unsaid=True)),
    stream(since=SinceRule(kind=Kind.INTEGER, count=1, bound_unsaid=True)),
    stream(pager=OPAQUE, order=Order.NONE, since=TOKEN, updated_at=None),
    stream(pager=Keyset(), order=Order.NONE, since=TOKEN, updated_at=None),
]


@pytest.mark.parametrize("settings", SAFE)
def test_what_has_a_proof_has_no_hazard(settings: Stream) -> None:
    assert names(settings) == set()


def test_an_accepted_hazard_is_named_as_such_and_a_slip_is_told() -> None:
    found = guarantee(stream(order=Order.NONE, accept=frozenset({"order-none-offset", "order-none-ofset"})))

    assert found.hazards == ()
    assert found.accepted == ("order-none-offset",)
    assert found.unused == ("order-none-ofset",)


def test_every_hazard_has_a_remedy() -> None:
    for settings, _ in REFUSED + CAUTIONS:
        assert all(hazard.remedy for hazard in guarantee(settings).hazards)


# --- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize("pager", [Offset(), OPAQUE, BY_URL, Keyset(), PageNumber()])
def test_a_stream_that_moves_since_is_promised_that_no_row_is_lost(pager: Pager) -> None:
    assert "neither skipped nor lost" in words(stream(pager=pager))


@pytest.mark.parametrize("order", [Order.ASC, Order.DESC, Order.KEY, Order.NONE])
@pytest.mark.parametrize("pager", [Offset(), OPAQUE, PageNumber(), SinglePage()])
def test_every_way_of_reading_a_listing_is_told(pager: Pager, order: Order) -> None:
    assert len(guarantee(without_since(pager=pager, order=order)).sentences) >= 3


def test_without_since_everything_is_read_every_time() -> None:
    assert "Every poll reads everything" in words(without_since())


def test_what_is_read_again_counts_lookback_and_one_unit_of_an_open_bound() -> None:
    assert "less 2m that" in words(stream())
    assert "less 1m1s that" in words(
        stream(since=SinceRule(granularity=timedelta(seconds=1), lookback=timedelta(minutes=1)))
    )
    assert "less" not in words(stream(since=SinceRule())).partition("The watermark moves")[0]


def test_settle_and_history_are_told_where_they_are_set() -> None:
    told = words(stream(since=since(settle=timedelta(seconds=30), history=timedelta(days=90))))

    assert "at its beginning less 30s" in told
    assert "the last 90d" in told


def test_a_first_poll_without_a_start_says_how_it_reads() -> None:
    assert "pages overlap by a row" in words(stream())
    assert "and then again, moving since" in words(stream(pager=OPAQUE))
    assert "and then again, moving since" in words(stream(ties="unstable"))
    assert "The first poll" not in words(stream(pager=Keyset()))
    assert "The first poll" not in words(stream(since=since(start=1)))


def test_a_stream_without_positions_has_no_watermark_to_speak_of() -> None:
    assert "watermark" not in words(without_since(order=Order.NONE, updated_at=None))


def test_numbers_are_moved_back_by_numbers_and_know_no_clock() -> None:
    told = words(stream(since=SinceRule(kind=Kind.INTEGER, count=5)))

    assert "less 5 numbers that" in told
    assert "less one number that" in words(stream(since=SinceRule(kind=Kind.INTEGER, bound=Bound.OPEN)))
    assert "the highest number seen" in told
    assert "clock" not in told


def test_a_token_is_the_apis_own_word() -> None:
    told = words(stream(pager=OPAQUE, order=Order.NONE, since=TOKEN, updated_at=None))

    assert "The API's own token says where to go on" in told
    assert "everything is read again" in told


def test_what_becomes_of_deletions_is_told() -> None:
    flag = Path("deleted")

    assert "deletions are not looked for" in words(stream())
    assert "without a word stays in the mirror" in words(stream(deleted=flag))
    assert "Rows that shop.gone names become tombstones" in words(stream(buried_by="shop.gone"))
    opaque = stream(pager=OPAQUE, order=Order.NONE, since=TOKEN, updated_at=None)
    assert "Rows that are missing when everything is read again become tombstones." in words(opaque)
    assert "become tombstones too." in words(replace(opaque, deleted=flag))
