"""What a stream is promised, in words, and the settings under which rows could be lost.

The words follow the scan rules (:mod:`poller.core.scan`): how pages are steered, what order the
API keeps, whether since can be moved. A *hazard* has a name: one that is ``REFUSED`` makes
``poller check`` fail until the settings change or ``accept = ["name"]`` says that somebody has
looked at it and lives with it; a ``CAUTION`` is told, and can be accepted to be quiet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from poller.core.duration import format_duration
from poller.core.model import Order, Stream
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


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What one stream gets. ``hazards`` are those that nobody has accepted."""

    sentences: tuple[str, ...]
    hazards: tuple[Hazard, ...]
    accepted: tuple[str, ...]
    """Names in ``accept`` that stand for a hazard of these settings."""
    unused: tuple[str, ...]
    """Names in ``accept`` that stand for none: a slip, or no longer needed."""

    @property
    def refused(self) -> tuple[Hazard, ...]:
        return tuple(hazard for hazard in self.hazards if hazard.severity is Severity.REFUSED)


def guarantee(stream: Stream) -> Guarantee:
    """The guarantee that the settings of ``stream`` give it, whatever its API does."""
    found = tuple(_hazards(stream))
    names = {hazard.name for hazard in found}
    return Guarantee(
        sentences=tuple(_sentences(stream)),
        hazards=tuple(hazard for hazard in found if hazard.name not in stream.accept),
        accepted=tuple(sorted(stream.accept & names)),
        unused=tuple(sorted(stream.accept - names)),
    )


# --- in words -----------------------------------------------------------------------------------


def _sentences(stream: Stream) -> Iterator[str]:
    yield _how_it_reads(stream)
    yield from _how_it_begins(stream)
    yield from _what_it_asks(stream)
    yield from _how_far_it_goes(stream)
    yield "Rows that the API deletes stay in the mirror: deletions are not looked for."


_ANCHORED = {
    Steering.OFFSET: "After each page since moves to the last safe position and the offset starts again "
    "at 0; "
    "offsets count only among rows of one position. Rows that move while the scan runs are neither "
    "skipped nor lost.",
    Steering.CURSOR: "After each page since moves to the last safe position and the cursor is dropped; "
    "cursors are "
    "followed only among rows of one position, until two readings agree. Rows that move are neither "
    "skipped nor lost.",
    Steering.POSITION: "Since alone moves, to the last position of each page; rows of one position must "
    "fit into a "
    "page, else the run fails and says so. Rows that move while the scan runs are neither skipped nor lost.",
}
_LISTED = {
    (
        Steering.OFFSET,
        Order.ASC,
    ): "Each page begins with the last row of the one before it; when that row is not "
    "seen again, rows slid, and the scan steps back until it is. No row is skipped.",
    (
        Steering.OFFSET,
        Order.DESC,
    ): "Newest first: each page overlaps the one before it by a row, and the scan steps "
    "back when no known row shows again. A scan is complete or counts for nothing.",
    (
        Steering.OFFSET,
        Order.KEY,
    ): "Rows stand by a key that never changes, so an update does not move them; each "
    "page overlaps the one before it by a row, and the scan steps back when it is not seen again. No row "
    "is skipped.",
    (Steering.OFFSET, Order.NONE): "No order is known: the listing is read at least twice, and until a whole "
    "reading brings nothing new (at most five more times, then the run fails). That is evidence, not proof.",
    (Steering.CURSOR, Order.ASC): "The API's cursor is followed to its end.",
    (
        Steering.CURSOR,
        Order.DESC,
    ): "Newest first: the API's cursor is followed to its end. A scan is complete or "
    "counts for nothing; rows that change meanwhile are the next poll's.",
    (
        Steering.CURSOR,
        Order.KEY,
    ): "Rows stand by a key that never changes; the API's cursor is followed to its end.",
    (Steering.CURSOR, Order.NONE): "No order is known: the API's cursor is followed to its end, and trusted.",
}


def _how_it_reads(stream: Stream) -> str:
    if _anchors(stream):
        return _ANCHORED[stream.pager.steering]
    return _LISTED[(stream.pager.steering, stream.order)]


def _how_it_begins(stream: Stream) -> Iterator[str]:
    """Of a stream that moves since: what the first poll does when it has none to send."""
    rule = stream.since
    if not _anchors(stream) or rule is None or rule.start is not None:
        return
    if stream.pager.steering is Steering.CURSOR or stream.ties == "unstable":
        yield "The first poll has no since to send: it reads the listing to its end, and then again, moving since."
    elif stream.pager.steering is Steering.OFFSET:
        yield "The first poll has no since to send: its pages overlap by a row, and it steps back where rows slid."


def _what_it_asks(stream: Stream) -> Iterator[str]:
    rule = stream.since
    if rule is None or not stream.filters_by_since:
        yield "Every poll reads everything, so that any difference is found, whatever the API says of when it changed."
        return
    again = rule.step_back + int(rule.lookback / timedelta(microseconds=1)) * 1000
    overlap = (
        ""
        if again == 0
        else f", less {format_duration(timedelta(microseconds=again // 1000))} that are read again"
    )
    yield (
        f"A poll asks for what changed since the watermark{overlap}; "
        "a row that changes without a newer position is not seen."
    )
    if rule.history is not None:
        yield (
            f"The API answers for the last {format_duration(rule.history)}: an outage that lasts longer leaves "
            "a gap that no poll can close."
        )


def _how_far_it_goes(stream: Stream) -> Iterator[str]:
    if stream.updated_at is None:
        return
    settle = stream.since.settle if stream.since is not None else timedelta(0)
    less = f" less {format_duration(settle)}" if settle > timedelta(0) else ""
    yield (
        "The watermark moves only when a scan was read to its end, to the highest position seen, "
        f"and never past the server's clock at its beginning{less}."
    )


# --- hazards ------------------------------------------------------------------------------------


def _hazards(stream: Stream) -> Iterator[Hazard]:
    yield from _of_unordered(stream)
    yield from _of_ties(stream)
    yield from _of_cursors(stream)
    yield from _of_late_rows(stream)
    yield from _of_local_time(stream)


def _of_unordered(stream: Stream) -> Iterator[Hazard]:
    if stream.order is not Order.NONE:
        return
    if stream.pager.steering is Steering.OFFSET:
        yield Hazard(
            "order-none-offset",
            Severity.REFUSED,
            "row numbers without an order: rows can change places between pages, and nothing proves that all were seen",
            'look for a sort parameter: by a unique, fixed key (order = "key") or by position (order = "asc")',
        )
    elif stream.since is not None:
        yield Hazard(
            "order-none-cursor",
            Severity.CAUTION,
            "no order is declared, so it rests on the API that its cursors pass no row that moves meanwhile",
            'sort by updated_at and write order = "asc" if the API can: then poller proves it',
        )


def _of_ties(stream: Stream) -> Iterator[Hazard]:
    steering = stream.pager.steering
    if stream.ties == "unstable" and steering is Steering.OFFSET and stream.order in (Order.ASC, Order.DESC):
        yield Hazard(
            "unstable-ties-offset",
            Severity.REFUSED,
            f"rows of one position change places between requests: more of them than a page ({stream.pager.size}) "
            "cannot be proved to have been read, and the run fails",
            'look for a second sort key (sort = "updated_at,id", then ties = "stable"), or sort by a unique key '
            '(order = "key")',
        )
    if steering is Steering.POSITION:
        yield Hazard(
            "keyset-large-ties",
            Severity.CAUTION,
            f"more rows of one position than the API sends in a page (asked: {stream.pager.size}) stop this stream: "
            "nothing is lost, and it does not get past them",
            "ask for the largest page that the API allows, or page by offset or cursor",
        )


def _of_cursors(stream: Stream) -> Iterator[Hazard]:
    if stream.pager.steering is not Steering.CURSOR or _anchors(stream) or _is_from_key(stream):
        return
    if stream.order in (Order.DESC, Order.KEY) and stream.filters_by_since:
        yield Hazard(
            "opaque-cursor",
            Severity.CAUTION,
            "if the API's cursor is a row number in disguise, a row that is deleted during a scan lets another slip past",
            'order = "asc" with {since} in the request does without cursors; or ask the vendor what a cursor stands for',
        )


def _of_late_rows(stream: Stream) -> Iterator[Hazard]:
    rule = stream.since
    if rule is None or not stream.filters_by_since:
        return
    if rule.lookback == timedelta(0) and rule.settle == timedelta(0):
        raw = rule.how.format == "raw"
        yield Hazard(
            "no-lookback",
            Severity.CAUTION,
            "a row that becomes visible later than rows stamped after it (a long transaction, a lagging replica) "
            "is missed until it changes again",
            'name the format of since, then add lookback = "2m"' if raw else 'add lookback = "2m" to since',
        )


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
            f"times without an offset in {rule.how.zone}: when its clocks go back, what changes in the repeated "
            f"{format_duration(fold)} looks older than the watermark and is not asked for",
            f'lookback = "{format_duration(fold)}" or more covers it; better, have the API speak UTC',
        )


def _anchors(stream: Stream) -> bool:
    """Whether since itself is moved forward page by page."""
    return stream.order is Order.ASC and stream.filters_by_since


def _is_from_key(stream: Stream) -> bool:
    """A cursor that is the last record's key names a row, and no number."""
    return getattr(stream.pager, "from_key", False) is True


def _longest_fold(how: TimeFormat) -> timedelta:
    """By how much the zone's clocks go back, as far as the last years tell; zero in a zone that keeps its time."""
    plain = TimeFormat("%Y-%m-%dT%H:%M:%S", how.zone)
    utc = TimeFormat("%Y-%m-%dT%H:%M:%S")
    offsets = set()
    for month in range(1, 13):
        instant = from_datetime(datetime(2025, month, 15, 12, tzinfo=UTC))
        local = parse(write(instant, plain), utc)
        assert local is not None
        offsets.add(local - instant)
    return timedelta(microseconds=(max(offsets) - min(offsets)) // 1000)
