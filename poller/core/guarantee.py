"""What a stream is promised, in words.

The words follow the scan rules (:mod:`poller.core.scan`): how pages are steered, what order the
API keeps, whether since can be moved. What stands against it is in :mod:`poller.core.hazards`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from poller.core.duration import format_duration
from poller.core.hazards import Hazard, Severity, anchors, hazards_of
from poller.core.model import Kind, Order, SinceRule, Stream
from poller.core.paging import Steering


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
    found = tuple(hazards_of(stream))
    names = {hazard.name for hazard in found}
    return Guarantee(
        sentences=tuple(_sentences(stream)),
        hazards=tuple(hazard for hazard in found if hazard.name not in stream.accept),
        accepted=tuple(sorted(stream.accept & names)),
        unused=tuple(sorted(stream.accept - names)),
    )


# --- in words -----------------------------------------------------------------------------------


def _sentences(stream: Stream) -> Iterator[str]:
    if stream.since is not None and stream.since.kind is Kind.TOKEN:
        yield from _BY_TOKEN
    else:
        yield _how_it_reads(stream)
        yield from _how_it_begins(stream)
        yield from _what_it_asks(stream)
        yield from _how_far_it_goes(stream)
    yield _what_becomes_of_deletions(stream)


_BY_TOKEN = (
    "The API's own token says where to go on; it is kept when a scan was read to its end, and sent next.",
    "What the API tells of is neither skipped nor lost.",
    "When the API does not know the token any more, everything is read again into the same table.",
)


def _what_becomes_of_deletions(stream: Stream) -> str:
    if stream.buried_by is not None:
        return f"Rows that {stream.buried_by} names become tombstones, unless a newer version came since."
    opaque = stream.since is not None and stream.since.kind is Kind.TOKEN
    return _DELETIONS[(stream.deleted is not None, opaque)]


_DELETIONS = {
    # (records say it, everything is read again when the token is forgotten)
    (True, True): "Rows that say that they are deleted become tombstones; rows that are missing when "
    "everything is read again become tombstones too.",
    (
        True,
        False,
    ): "Rows that say that they are deleted become tombstones. A row that the API removes without "
    "a word stays in the mirror.",
    (False, True): "Rows that are missing when everything is read again become tombstones.",
    (False, False): "Rows that the API deletes stay in the mirror: deletions are not looked for.",
}


_ANCHORED = {
    Steering.OFFSET: "After each page since moves to the last safe position and the offset starts again "
    "at 0; "
    "offsets count only among rows of one position. Rows that move while the scan runs are neither "
    "skipped nor lost.",
    Steering.CURSOR: "After each page since moves to the last safe position and the cursor is dropped; "
    "cursors are "
    "followed only among rows of one position, until two readings agree. Rows that move are neither "
    "skipped nor lost.",
    Steering.PAGE: "After each page since moves to the last safe position and the first page is asked for "
    "again; page numbers count only among rows of one position, until two readings agree. Rows that move are "
    "neither skipped nor lost.",
    Steering.SINGLE: "One answer holds everything that changed.",
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
    (
        Steering.PAGE,
        Order.DESC,
    ): "Each page is read once more after the page behind it, and when rows came in "
    "front meanwhile, the whole listing, until a reading brings nothing new.",
    **dict.fromkeys(
        ((Steering.PAGE, order) for order in (Order.ASC, Order.KEY)),
        "Each page is read once more after the page behind it, so that rows that slid from one to the other "
        "meanwhile are found; when it then shows none of the rows that it showed before, the listing is "
        "read again. No row is skipped.",
    ),
    (Steering.PAGE, Order.NONE): "No order is known: the listing is read at least twice, cut into pages of "
    "another size, and until a whole reading brings nothing new (at most five more times, then the run "
    "fails). That is evidence, not proof.",
    **dict.fromkeys(
        ((Steering.SINGLE, order) for order in Order), "One answer holds everything; it is taken as a whole."
    ),
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
    if anchors(stream):
        return _ANCHORED[stream.pager.steering]
    return _LISTED[(stream.pager.steering, stream.order)]


def _how_it_begins(stream: Stream) -> Iterator[str]:
    """Of a stream that moves since: what the first poll does when it has none to send."""
    rule = stream.since
    if not anchors(stream) or rule is None or rule.start is not None:
        return
    if stream.pager.steering is Steering.CURSOR or stream.ties == "unstable":
        yield (
            "The first poll has no since to send: it reads the listing to its end, and then again, "
            "moving since."
        )
    elif stream.pager.steering is Steering.OFFSET:
        yield (
            "The first poll has no since to send: its pages overlap by a row, and it steps back where "
            "rows slid."
        )


def _what_it_asks(stream: Stream) -> Iterator[str]:
    rule = stream.since
    if rule is None or not stream.filters_by_since:
        yield (
            "Every poll reads everything, so that any difference is found, whatever the API says of when "
            "it changed."
        )
        return
    again = rule.step_back + rule.overlap
    overlap = "" if again == 0 else f", less {_span(rule, again)} that are read again"
    yield (
        f"A poll asks for what changed since the watermark{overlap}; "
        "a row that changes without a newer position is not seen."
    )
    if rule.history is not None:
        yield (
            f"The API answers for the last {format_duration(rule.history)}: an outage that lasts longer "
            "leaves "
            "a gap that no poll can close."
        )


def _span(rule: SinceRule, units: int) -> str:
    """So many units of position, in words."""
    if rule.kind is Kind.INTEGER:
        return f"{units} numbers" if units != 1 else "one number"
    return format_duration(timedelta(microseconds=units // 1000))


def _how_far_it_goes(stream: Stream) -> Iterator[str]:
    if stream.updated_at is None:
        return
    settle = stream.since.settle if stream.since is not None else timedelta(0)
    less = f" less {format_duration(settle)}" if settle > timedelta(0) else ""
    if stream.since is not None and stream.since.kind is Kind.INTEGER:
        yield (
            "The watermark moves only when a scan was read to its end: to the highest number seen when the "
            "records came in ascending order, else to the highest number that the scan before it saw."
        )
        return
    yield (
        "The watermark moves only when a scan was read to its end, to the highest position seen, "
        f"and never past the server's clock at its beginning{less}."
    )
