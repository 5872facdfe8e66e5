"""The settings under which rows could be lost, or a scan never proved: each hazard has a name and a remedy.

A hazard that is ``REFUSED`` makes ``poller check`` fail until the settings change or
``accept = ["name"]`` says that somebody has looked at it and lives with it; a ``CAUTION`` is
told, and can be accepted to be quiet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from poller.core.duration import format_duration
from poller.core.model import Kind, Order, SinceRule, Stream
from poller.core.paging import Steering
from poller.core.position import TimeFormat, from_datetime, parse, write


class Severity(StrEnum):
    """What ``poller check`` makes of a hazard."""

    REFUSED = "refused"
    """Rows can be lost in silence, or the scan can never be proved complete."""
    CAUTION = "caution"
    """Safe as far as poller can see; it depends on something that the API must keep to."""


@dataclass(frozen=True, slots=True)
class Hazard:
    """``name`` is what ``accept`` takes; ``what`` can happen; ``remedy`` is the next step."""

    name: str
    severity: Severity
    what: str
    remedy: str


def hazards_of(stream: Stream) -> Iterator[Hazard]:
    """Every hazard of the settings of ``stream``, accepted or not."""
    yield from _of_unordered(stream)
    yield from _of_ties(stream)
    yield from _of_cursors(stream)
    yield from _of_late_rows(stream)
    yield from _of_local_time(stream)


def _of_unordered(stream: Stream) -> Iterator[Hazard]:
    if stream.order is not Order.NONE or goes_by_token(stream):
        return
    if stream.pager.steering is Steering.PAGE:
        yield Hazard(
            "order-none-page",
            Severity.REFUSED,
            "page numbers without an order: rows can change places between pages, and nothing proves that "
            "all were seen",
            'look for a sort parameter: by a unique, fixed key (order = "key") or by position (order = '
            '"asc")',
        )
    elif stream.pager.steering is Steering.OFFSET:
        yield Hazard(
            "order-none-offset",
            Severity.REFUSED,
            "row numbers without an order: rows can change places between pages, and nothing proves that "
            "all were seen",
            'look for a sort parameter: by a unique, fixed key (order = "key") or by position (order = '
            '"asc")',
        )
    elif stream.since is not None and stream.pager.steering is Steering.CURSOR:
        yield Hazard(
            "order-none-cursor",
            Severity.CAUTION,
            "no order is declared, so it rests on the API that its cursors pass no row that moves meanwhile",
            'sort by updated_at and write order = "asc" if the API can: then poller proves it',
        )


def _of_ties(stream: Stream) -> Iterator[Hazard]:
    steering = stream.pager.steering
    numbered = steering in (Steering.OFFSET, Steering.PAGE)
    if stream.ties == "unstable" and numbered and stream.order in (Order.ASC, Order.DESC):
        yield Hazard(
            f"unstable-ties-{steering.value}",
            Severity.REFUSED,
            "rows of one position change places between requests: more of them than a page "
            f"({stream.pager.size}) "
            "cannot be proved to have been read, and the run fails",
            'look for a second sort key (sort = "updated_at,id", then ties = "stable"), or sort by a '
            "unique key "
            '(order = "key")',
        )
    if steering is Steering.POSITION and not goes_by_token(stream):
        yield Hazard(
            "keyset-large-ties",
            Severity.CAUTION,
            f"more rows of one position than the API sends in a page (asked: {stream.pager.size}) stop "
            "this stream: "
            "nothing is lost, and it does not get past them",
            "ask for the largest page that the API allows, or page by offset or cursor",
        )


def _of_cursors(stream: Stream) -> Iterator[Hazard]:
    if stream.pager.steering is Steering.SINGLE:
        yield Hazard(
            "single-page",
            Severity.CAUTION,
            "one answer is taken for everything: if the API cuts long answers without saying so, what it "
            "cuts off is never seen",
            "compare the number of rows with the vendor's own count, and look for paging in its documents",
        )
    if stream.pager.steering is not Steering.CURSOR or anchors(stream) or goes_by_token(stream):
        return
    if is_from_key(stream):
        return
    if stream.filters_by_since:
        yield Hazard(
            "cursor-lifetime",
            Severity.CAUTION,
            "a cursor that expires before the listing was read means that it is read from the front again: "
            "where cursors live shorter than a first load takes, it never ends",
            'order = "asc" with {since} in the request goes on from the last safe position; or ask for '
            "larger pages",
        )
    if stream.order in (Order.DESC, Order.KEY) and stream.filters_by_since:
        yield Hazard(
            "opaque-cursor",
            Severity.CAUTION,
            "if the API's cursor is a row number in disguise, a row that is deleted during a scan lets "
            "another slip past",
            'order = "asc" with {since} in the request does without cursors; or ask the vendor what a '
            "cursor stands for",
        )


def _of_late_rows(stream: Stream) -> Iterator[Hazard]:
    rule = stream.since
    if rule is None or not stream.filters_by_since or goes_by_token(stream):
        return
    if rule.bound_unsaid and rule.overlap < rule.unit and rule.step_back == 0:
        yield Hazard(
            "bound-unsaid",
            Severity.REFUSED,
            "nothing says whether the API's filter takes rows that stand exactly at since: if it does not, "
            "a row that shares the watermark's position and comes later is never asked for",
            'look into the documentation for "after" or "at or after" and write bound = "open" or "closed" '
            "into since; or add a lookback",
        )
    if rule.overlap == 0 and rule.settle == timedelta(0):
        yield Hazard(
            "no-lookback",
            Severity.CAUTION,
            "a row that becomes visible later than rows stamped after it (a long transaction, a lagging "
            "replica) "
            "is missed until it changes again",
            _look_back(rule),
        )


def _look_back(rule: SinceRule) -> str:
    if rule.kind is Kind.INTEGER:
        return "add lookback = 100 to since, or as many numbers as can be under way at once"
    raw = rule.how.format == "raw"
    return 'name the format of since, then add lookback = "2m"' if raw else 'add lookback = "2m" to since'


def _of_local_time(stream: Stream) -> Iterator[Hazard]:
    """In the hour that an autumn night has twice, a naive time names two instants, an hour apart."""
    rule = stream.since
    if rule is None or not stream.filters_by_since or rule.how.zone is None:
        return
    fold = _longest_fold(rule.how)
    if fold > timedelta(0) and rule.lookback < fold:
        yield Hazard(
            "naive-local-time",
            Severity.REFUSED,
            f"times without an offset in {rule.how.zone}: when its clocks go back, what changes in the "
            "repeated "
            f"{format_duration(fold)} looks older than the watermark and is not asked for",
            f'lookback = "{format_duration(fold)}" or more covers it; better, have the API speak UTC',
        )


def goes_by_token(stream: Stream) -> bool:
    """Whether the API itself says where to go on."""
    return stream.since is not None and stream.since.kind is Kind.TOKEN


def is_from_key(stream: Stream) -> bool:
    """A cursor that is the last record's key names a row, and no number."""
    return getattr(stream.pager, "from_key", False) is True


def _longest_fold(how: TimeFormat) -> timedelta:
    """By how much the zone's clocks went back in 2025; zero in a zone that keeps its time."""
    plain = TimeFormat("%Y-%m-%dT%H:%M:%S", how.zone)
    utc = TimeFormat("%Y-%m-%dT%H:%M:%S")
    offsets = set()
    for month in range(1, 13):
        instant = from_datetime(datetime(2025, month, 15, 12, tzinfo=UTC))
        local = parse(write(instant, plain), utc)
        assert local is not None
        offsets.add(local - instant)
    return timedelta(microseconds=(max(offsets) - min(offsets)) // 1000)


def anchors(stream: Stream) -> bool:
    """Whether since itself is moved forward page by page."""
    return stream.order is Order.ASC and stream.filters_by_since and not goes_by_token(stream)
