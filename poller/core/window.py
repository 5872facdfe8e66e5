"""Which span of positions to ask for next, and how each of its requests is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from poller.core.model import Kind, SinceRule, Stream
from poller.core.page import Validators
from poller.core.paging import Ask
from poller.core.position import NUMBERS, Position, floor, from_datetime, parse, write
from poller.core.request import Json

if TYPE_CHECKING:
    from poller.core.scan.place import Place


@dataclass(frozen=True, slots=True)
class Scan:
    """One window and all that stays the same while it is read.

    ``since`` is the window's lower end: the watermark less the lookback, or the configured
    start; None reads everything. ``since_text`` is how it is sent where it is sent as received;
    for tokens it is all there is, and None reads everything. ``watermark`` is where the stream
    stood before; ``previous_highest`` the highest position that the previous drained scan saw;
    ``validators`` what the last scan would be known again by, None when it had more than a page.
    """

    stream: Stream
    started_at: datetime
    fingerprint: str
    since: Position | None = None
    since_text: str | None = None
    watermark: Position | None = None
    previous_highest: Position | None = None
    validators: Validators | None = None

    @property
    def rule(self) -> SinceRule:
        return self.stream.since or _NO_RULE

    @property
    def unit(self) -> int:
        """Nanoseconds of one tie group; 1 for numbers."""
        return self.rule.unit

    @property
    def has_clock(self) -> bool:
        """Whether positions can be compared with the server's clock: numbers cannot."""
        return self.rule.kind is not Kind.INTEGER

    @property
    def opaque(self) -> bool:
        """Whether since is an opaque token of the API."""
        return self.rule.kind is Kind.TOKEN

    def link(self, place: Place) -> str | None:
        """The token as the whole next request (a delta link); None where it is sent inside one."""
        if not self.opaque or place.cursor is not None or self.stream.filters_by_since:
            return None
        return place.since_text

    def ask(self, place: Place) -> Ask:
        """The next request's variable parts."""
        return Ask(
            since=self._since_value(place),
            until=self._until_value(),
            offset=place.offset,
            size=place.size,
            cursor=place.cursor,
            page=place.offset,
        )

    def asked(self, place: Place) -> Position | None:
        """The position that the API was really asked from, as it reads our text; None without since."""
        value = self._since_value(place)
        if value is None or not self.stream.filters_by_since or place.since is None:
            return None
        lowered = place.since - self.rule.step_back
        understood = parse(value, self.rule.how)
        return lowered if understood is None else min(understood, lowered)

    def _since_value(self, place: Place) -> Json:
        if self.opaque:
            return place.since_text
        if place.since is None or self.stream.since is None:
            return None
        if self.rule.how.format == "raw" and place.since_text is not None:
            return place.since_text
        lowered = place.since - self.rule.step_back
        return write(lowered if self.has_clock else max(lowered, self._first_number), self.rule.how)

    @property
    def _first_number(self) -> Position:
        """No number below it is sent: the start, else 0; unless the stream itself stands below."""
        least = NUMBERS if self.rule.start is None else self.rule.start
        if self.watermark is None or self.watermark >= least:
            return least
        return self.watermark - self.rule.overlap - self.rule.step_back

    def _until_value(self) -> Json:
        if self.rule.until is None:
            return None
        return write(from_datetime(self.started_at + self.rule.until), self.rule.how)


_NO_RULE = SinceRule()


def plan_window(
    stream: Stream,
    fingerprint: str,
    now: datetime,
    *,
    watermark: Position | None,
    watermark_text: str | None = None,
    previous_highest: Position | None = None,
    validators: Validators | None = None,
) -> Scan:
    """The live window: from the watermark less the lookback, open towards the present.

    On the first poll (no watermark) it begins at ``since.start``, or reads everything. A token
    stands in ``watermark_text``; there is no looking back behind it.
    """
    scan = Scan(
        stream=stream,
        started_at=now,
        fingerprint=fingerprint,
        watermark=watermark,
        previous_highest=previous_highest,
        validators=validators if stream.conditional else None,
    )
    rule = stream.since
    if rule is None:
        return scan
    if rule.kind is Kind.TOKEN:
        return replace(scan, since_text=watermark_text, watermark=None)
    if watermark is None:
        return replace(scan, since=rule.start)
    lowered = watermark - rule.overlap
    return replace(scan, since=floor(lowered, rule.unit), since_text=watermark_text)
