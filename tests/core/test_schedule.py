"""The grids themselves: intervals to the microsecond, cron through every change of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import process_time
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.schedules import parse
from poller.schedules.cron import Cron
from poller.schedules.interval import Interval, spread_of

MINUTE = timedelta(minutes=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def day(cron: str, zone: str, *date: int) -> list[str]:
    """The wall times and offsets of the slots on one day of a zone, as ``02:30+0100``."""
    rules = ZoneInfo(zone)
    start = datetime(*date, tzinfo=rules)  # type: ignore[misc,arg-type]
    end = (start + timedelta(days=1)).astimezone(UTC)
    schedule, slots = Cron(cron, zone), list[str]()
    slot = schedule.next(start.astimezone(UTC) - timedelta(microseconds=1))
    while slot < end:
        slots.append(slot.astimezone(rules).strftime("%H:%M%z"))
        slot = schedule.next(slot)
    return slots


# --- intervals -----------------------------------------------------------------------------


def test_an_interval_counts_from_the_epoch_and_not_from_a_start() -> None:
    every = Interval(timedelta(minutes=5))

    assert every.next(utc(2026, 11, 21, 12, 0, 1)) == utc(2026, 11, 21, 12, 5)
    assert every.next(utc(2026, 11, 21, 12, 5)) == utc(2026, 11, 21, 12, 10)
    assert every.latest(utc(2026, 11, 21, 12, 5)) == utc(2026, 11, 21, 12, 5)
    assert every.latest(utc(1969, 12, 31, 23, 59)) == utc(1969, 12, 31, 23, 55)


def test_an_interval_is_exact_over_decades() -> None:
    third = Interval(timedelta(microseconds=333_333), timedelta(microseconds=7))
    from_epoch = timedelta(microseconds=333_333 * 5_000_000_000 + 7)

    slot = third.latest(utc(1970, 1, 1) + from_epoch)

    assert slot == utc(1970, 1, 1) + from_epoch
    assert third.count(utc(1970, 1, 1), slot) == 5_000_000_001


@given(
    every=st.timedeltas(timedelta(microseconds=1), timedelta(days=800)),
    share=st.floats(0, 1, exclude_max=True),
    moment=st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
    more=st.integers(0, 10**9),
)
def test_the_nth_slot_of_an_interval_is_n_intervals_later(
    every: timedelta, share: float, moment: datetime, more: int
) -> None:
    grid = Interval(every, min(every * share, every - timedelta(microseconds=1)))
    slot = grid.next(moment.replace(tzinfo=UTC))
    more = min(more, int(timedelta(days=365 * 500) / every))

    nth = slot + every * more

    assert grid.latest(nth) == nth
    assert grid.next(nth) == nth + every
    assert grid.count(slot, nth) == more


def test_a_spread_moves_the_grid_and_is_the_same_everywhere() -> None:
    spread = spread_of("crm.issues", timedelta(minutes=5))

    assert parse("5m", None, "crm.issues") == Interval(timedelta(minutes=5), spread)
    assert parse("5m", None, None) == Interval(timedelta(minutes=5))
    assert spread == timedelta(seconds=181, milliseconds=47)


def test_streams_are_spread_evenly() -> None:
    seconds = [spread_of(f"source.stream{number}", MINUTE).seconds for number in range(1200)]

    fullest = max(seconds.count(second) for second in range(60))

    assert min(seconds) == 0
    assert max(seconds) == 59
    assert fullest < 40


def test_an_interval_of_microseconds_has_no_room_to_spread() -> None:
    assert spread_of("a.b", timedelta(microseconds=5)) == timedelta(0)


@pytest.mark.parametrize(
    ("every", "spread", "words"),
    [
        (timedelta(0), timedelta(0), "never passes"),
        (timedelta(seconds=-1), timedelta(0), "interval of -1s"),
        (MINUTE, MINUTE, "spread 1m must lie between 0s and the interval, 1m"),
        (MINUTE, timedelta(seconds=-1), "spread -1s"),
    ],
)
def test_an_interval_that_makes_no_grid_cannot_be_built(
    every: timedelta, spread: timedelta, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Interval(every, spread)


def test_a_zone_on_a_duration_is_refused_because_it_would_do_nothing() -> None:
    with pytest.raises(ValueError, match="timezone 'Europe/Oslo' has no effect on the duration '5m'"):
        parse("5m", "Europe/Oslo", None)


# --- cron: what the fields say -------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "after", "slot"),
    [
        ("*/15 * * * *", utc(2026, 1, 1, 0, 14), utc(2026, 1, 1, 0, 15)),
        ("7-59/20 * * * *", utc(2026, 1, 1, 0, 27), utc(2026, 1, 1, 0, 47)),
        ("0 9-17 * * MON-FRI", utc(2026, 11, 20, 17), utc(2026, 11, 23, 9)),
        ("0 0 * * 0", utc(2026, 11, 21), utc(2026, 11, 22)),
        ("0 0 * * 7", utc(2026, 11, 21), utc(2026, 11, 22)),
        ("0 0 * * fri-sun", utc(2026, 11, 21), utc(2026, 11, 22)),
        ("0 0 * * 0-6/6", utc(2026, 11, 16), utc(2026, 11, 21)),
        ("0 0 1 jan,JUL *", utc(2026, 1, 2), utc(2026, 7, 1)),
        ("0 0 29 2 *", utc(2026, 1, 1), utc(2028, 2, 29)),
        ("0 0 31 * *", utc(2026, 1, 31), utc(2026, 3, 31)),
        ("0 0 29 FEB */7", utc(2026, 1, 1), utc(2032, 2, 29)),
        ("@hourly", utc(2026, 1, 1), utc(2026, 1, 1, 1)),
        ("@Daily", utc(2026, 1, 1), utc(2026, 1, 2)),
        ("@midnight", utc(2026, 1, 1), utc(2026, 1, 2)),
        ("@weekly", utc(2026, 11, 21), utc(2026, 11, 22)),
        ("@monthly", utc(2026, 11, 21), utc(2026, 12, 1)),
        ("@yearly", utc(2026, 11, 21), utc(2027, 1, 1)),
        ("@annually", utc(2026, 11, 21), utc(2027, 1, 1)),
    ],
)
def test_the_next_slot_of_an_expression(expression: str, after: datetime, slot: datetime) -> None:
    schedule = Cron(expression)

    assert schedule.next(after) == slot
    assert schedule.latest(slot) == slot
    assert schedule.count(after, slot) == 1


def test_two_day_fields_mean_either_unless_one_begins_with_a_star() -> None:
    friday_or_thirteenth = Cron("0 0 13 * FRI")
    every_other_day_if_friday = Cron("0 0 */2 * FRI")

    assert friday_or_thirteenth.count(utc(2026, 10, 31), utc(2026, 11, 30)) == 4
    assert friday_or_thirteenth.next(utc(2026, 12, 11)) == utc(2026, 12, 13)
    assert every_other_day_if_friday.count(utc(2026, 10, 31), utc(2026, 11, 30)) == 2


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("* * * *", "has 4 fields: write five, minute hour day-of-month month day-of-week"),
        ("0 * * * * *", "has 6 fields.*below a minute use a duration such as 30s"),
        ("0 0 0 1 1 ? 2026", "has 7 fields"),
        ("60 * * * *", "field minute: '60' is not allowed, use 0-59"),
        ("0 24 * * *", "field hour: '24' is not allowed, use 0-23"),
        ("0 0 0 * *", "field day of month: '0' is not allowed, use 1-31"),
        ("0 0 * 13 *", "field month: '13' is not allowed, use 1-12 or JAN-DEC"),
        ("0 0 * * 8", "field day of week: '8' is not allowed, use 0-7 or SUN-SAT"),
        ("0 0 * * MONDAY", "field day of week: 'MONDAY'"),
        ("0 0 L * *", "field day of month: 'L'"),
        ("0 0 ? * *", "field day of month: '\\?' is none of"),
        ("0,,5 * * * *", "field minute: '' is none of"),
        ("-5 * * * *", "field minute: '-5' is none of"),
        ("5/10 * * * *", "field minute: '5/10' has a step without a range: write 5-59/10"),
        ("*/0 * * * *", "field minute: the step in '\\*/0' must be at least 1"),
        ("0 22-2 * * *", "field hour: '22-2' runs backwards: write two ranges, 22-23,0-2"),
        ("0 0 * * FRI-MON", "field day of week: 'FRI-MON' runs backwards"),
        ("@reboot", "'@reboot' is not a cron nickname: use one of @hourly, @daily"),
        ("0 0 30 2 *", "'0 0 30 2 \\*' never fires: none of its months has such a day"),
        ("0 0 31 4,6,9,11 *", "never fires"),
    ],
)
def test_a_wrong_expression_is_refused_by_field_and_with_the_allowed_form(
    expression: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Cron(expression)


@pytest.mark.parametrize("zone", ["Europe/Olso", "", "../etc/passwd", "Europe"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match=r"unknown time zone .* use an IANA name such as Europe/Oslo"):
        Cron("@daily", zone)


def test_an_expression_that_only_names_skipped_times_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"never fires in Europe/Oslo .* left out by every change of the clocks"
    ):
        Cron("*/5 2 25-31 3 */7", "Europe/Oslo")


def test_centuries_are_counted_too() -> None:
    assert Cron("0 0 29 2 *").count(utc(1600, 1, 1), utc(2400, 12, 31)) == 195


def test_looking_back_past_the_beginning_of_time_is_an_error_and_not_a_loop() -> None:
    with pytest.raises(ValueError, match="never fires in UTC in the 400 years before 3-02-01"):
        Cron("0 0 29 2 *").latest(utc(3, 2, 1))


# --- cron: when the clocks change ----------------------------------------------------------

OSLO, NEW_YORK, LORD_HOWE = "Europe/Oslo", "America/New_York", "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("zone", "date", "time", "slots"),
    [
        (OSLO, (2026, 10, 25), "30 2 * * *", ["02:30+0200"]),
        (NEW_YORK, (2026, 11, 1), "30 1 * * *", ["01:30-0400"]),
        (LORD_HOWE, (2026, 4, 5), "45 1 * * *", ["01:45+1100"]),
    ],
)
def test_a_fixed_time_that_is_shown_twice_fires_once_the_first_time(
    zone: str, date: tuple[int, int, int], time: str, slots: list[str]
) -> None:
    assert day(time, zone, *date) == slots


@pytest.mark.parametrize(
    ("zone", "date", "time", "slots"),
    [
        (OSLO, (2026, 3, 29), "30 2 * * *", ["03:00+0200"]),
        (OSLO, (2026, 3, 29), "0,20,40 2 * * *", ["03:00+0200"]),
        (OSLO, (2026, 3, 29), "30 2,3 * * *", ["03:00+0200", "03:30+0200"]),
        (OSLO, (2026, 3, 29), "0 2,3 * * *", ["03:00+0200"]),
        (NEW_YORK, (2026, 3, 8), "30 2 * * *", ["03:00-0400"]),
        (LORD_HOWE, (2026, 10, 4), "15 2 * * *", ["02:30+1100"]),
    ],
)
def test_a_fixed_time_that_is_never_shown_fires_once_at_the_moment_of_the_jump(
    zone: str, date: tuple[int, int, int], time: str, slots: list[str]
) -> None:
    assert day(time, zone, *date) == slots


def test_a_time_left_out_and_the_time_shown_at_the_jump_are_one_slot() -> None:
    before, after = utc(2026, 3, 29, 0, 59), utc(2026, 3, 29, 1, 1)

    assert Cron("0 2,3 * * *", OSLO).count(before, after) == 1
    assert Cron("0 2 * * *", OSLO).count(before, after) == 1
    assert Cron("0 1,4 * * *", OSLO).count(before, after) == 0


def test_a_wildcard_in_minute_or_hour_follows_the_wall_through_both_changes() -> None:
    assert day("*/30 2 * * *", OSLO, 2026, 10, 25) == ["02:00+0200", "02:30+0200", "02:00+0100", "02:30+0100"]
    assert day("*/30 2 * * *", OSLO, 2026, 3, 29) == []
    assert len(day("30 * * * *", OSLO, 2026, 10, 25)) == 25
    assert len(day("30 * * * *", OSLO, 2026, 3, 29)) == 23
    assert len(day("* * * * *", LORD_HOWE, 2026, 4, 5)) == 24 * 60 + 30
    assert len(day("* * * * *", LORD_HOWE, 2026, 10, 4)) == 24 * 60 - 30


def test_hours_that_are_written_out_are_fixed_times() -> None:
    assert len(day("30 0-23 * * *", OSLO, 2026, 10, 25)) == 24
    assert len(day("30 0-23 * * *", OSLO, 2026, 3, 29)) == 24


@pytest.mark.parametrize("zone", [OSLO, NEW_YORK, LORD_HOWE, "Asia/Kolkata"])
def test_fixed_times_are_counted_once_a_day_over_many_years(zone: str) -> None:
    schedule = Cron("30 2 * * *", zone)
    decade = (utc(2016, 1, 1, 12), utc(2026, 1, 1, 12))

    assert schedule.count(*decade) == 3653
    assert schedule.count(*decade) == sum(
        schedule.count(decade[0] + timedelta(days=day), decade[0] + timedelta(days=day + 1))
        for day in range(3653)
    )


def test_a_year_that_begins_in_another_offset_than_the_one_before_ended_is_no_matter() -> None:
    hourly = Cron("0 * * * *", "Africa/Casablanca")  # the clocks went back at midnight of new year 1986
    midnight = Cron("0 0 * * *", "Africa/Casablanca")

    assert hourly.count(utc(1985, 12, 31, 20), utc(1986, 1, 1, 4)) == 8
    assert midnight.next(utc(1985, 12, 31, 12)) == utc(1986, 1, 1)
    assert midnight.latest(utc(1986, 1, 1, 12)) == utc(1986, 1, 1)


class Oracle(NamedTuple):
    """Cron the slow way, minute by minute with a virtual wall clock, as the daemon of Vixie does it."""

    minutes: set[int]
    hours: set[int]
    weekdays: set[int]
    wild: bool

    def shows(self, wall: datetime) -> bool:
        return (
            wall.minute in self.minutes and wall.hour in self.hours and wall.isoweekday() % 7 in self.weekdays
        )

    def slots(self, zone: str, after: datetime, through: datetime) -> list[datetime]:
        instant = after.replace(second=0, microsecond=0) - timedelta(days=3)
        reached, found = self._wall(zone, instant) - MINUTE, []
        while instant <= through:
            wall = self._wall(zone, instant)
            if self._fires(wall, reached) and instant > after:
                found.append(instant)
            reached, instant = max(reached, wall), instant + MINUTE
        return found

    def _fires(self, wall: datetime, reached: datetime) -> bool:
        if self.wild:
            return self.shows(wall)
        unseen = int((wall - reached) / MINUTE)
        return any(self.shows(wall - MINUTE * number) for number in range(unseen))

    @staticmethod
    def _wall(zone: str, instant: datetime) -> datetime:
        return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


CHANGES = [
    (OSLO, utc(2026, 3, 29, 1)),
    (OSLO, utc(2026, 10, 25, 1)),
    (NEW_YORK, utc(2026, 3, 8, 7)),
    (NEW_YORK, utc(2026, 11, 1, 6)),
    (LORD_HOWE, utc(2026, 4, 4, 15)),
    (LORD_HOWE, utc(2026, 10, 3, 15, 30)),
    ("America/St_Johns", utc(2008, 3, 9, 3, 31)),  # at 00:01, so that the repeated hour crosses midnight
    ("America/St_Johns", utc(2008, 11, 2, 2, 31)),
    ("America/St_Johns", utc(1988, 4, 3, 3, 31)),  # two hours
    ("Pacific/Apia", utc(2011, 12, 30, 10)),  # a whole day was left out
    ("America/Nuuk", utc(2024, 10, 27, 1)),  # midnight is shown twice
    ("Africa/Casablanca", utc(2026, 2, 15, 2)),
    ("Asia/Kolkata", utc(2026, 1, 1)),
    ("UTC", utc(2028, 2, 29)),
]


@st.composite
def fields(draw: st.DrawFn) -> tuple[str, Oracle]:
    minutes = draw(st.sets(st.integers(0, 59), min_size=1, max_size=3))
    hours = draw(st.sets(st.sampled_from([0, 1, 2, 3, 4, 23]), min_size=1))
    weekdays = draw(st.one_of(st.just(set(range(7))), st.sets(st.integers(0, 6), min_size=1)))
    wild_minute, wild_hour = draw(st.booleans()), draw(st.booleans())
    minute = "*/20" if wild_minute else ",".join(map(str, sorted(minutes)))
    hour = "*" if wild_hour else ",".join(map(str, sorted(hours)))
    return f"{minute} {hour} * * {','.join(map(str, sorted(weekdays)))}", Oracle(
        {0, 20, 40} if wild_minute else minutes,
        set(range(24)) if wild_hour else hours,
        weekdays,
        wild_minute or wild_hour,
    )


@given(
    change=st.sampled_from(CHANGES),
    cron=fields(),
    before=st.integers(1, 3000),
    length=st.integers(1, 4000),
    odd=st.timedeltas(timedelta(0), timedelta(seconds=59)),
)
def test_cron_agrees_with_a_clock_that_is_watched_minute_by_minute(
    change: tuple[str, datetime], cron: tuple[str, Oracle], before: int, length: int, odd: timedelta
) -> None:
    zone, around = change
    expression, oracle = cron
    schedule = Cron(expression, zone)
    after = around - MINUTE * before + odd
    through = after + MINUTE * length

    slots = oracle.slots(zone, after, through)

    assert schedule.count(after, through) == len(slots)
    if slots:
        assert schedule.next(after) == slots[0]
        assert schedule.latest(through) == slots[-1]
        assert [schedule.next(slot) for slot in slots[:-1]] == slots[1:]
        assert [schedule.latest(slot - timedelta(microseconds=1)) for slot in slots[1:]] == slots[:-1]
    else:
        assert schedule.next(after) > through
        assert schedule.latest(through) <= after


# --- the price -----------------------------------------------------------------------------


def test_ten_years_of_every_minute_are_counted_and_not_listed() -> None:
    schedule = Cron("* * * * *", "America/Halifax")
    began = process_time()

    total = schedule.count(utc(2016, 1, 1), utc(2026, 1, 1))
    newest = schedule.latest(utc(2026, 1, 1))

    assert process_time() - began < 0.1
    assert total == 3653 * 24 * 60
    assert newest == utc(2026, 1, 1)
