"""Which span of positions to ask for next, and how each of its requests is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from poller.core.model import SinceRule, Stream
from poller.core.paging import Ask
from poller.core.position import (
    Position,
    floor,
    from_datetime,
    nanoseconds,
    parse,
    write,
)
from poller.core.request import Json

if TYPE_CHECKING:
    from poller.core.scan.place import Place


@dataclass(frozen=True, slots=True)
class Scan:
    """One window and all that stays the same while it is read.

    ``since`` is the window's lower end: the watermark less the lookback, or the configured
    start; None reads everything. ``watermark`` is where the stream stood before;
    ``previous_highest`` the highest position that the previous drained scan saw.
    """

    stream: Stream
    started_at: datetime
    fingerprint: str
    since: Position | None = None
    since_text: str | None = None
    watermark: Position | None = None
    previous_highest: Position | None = None

    @property
    def rule(self) -> SinceRule:
        return self.stream.since or _NO_RULE

    @property
    def unit(self) -> int:
        """Nanoseconds of one tie group."""
        return self.rule.unit

    def ask(self, place: Place) -> Ask:
        """The next request's variable parts."""
        return Ask(
            since=self._since_value(place),
            until=self._until_value(),
            offset=place.offset,
            size=place.size,
            cursor=place.cursor,
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
        if place.since is None or self.stream.since is None:
            return None
        if self.rule.how.format == "raw" and place.since_text is not None:
            return place.since_text
        return write(place.since - self.rule.step_back, self.rule.how)

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
) -> Scan:
    """The live window: from the watermark less the lookback, open towards the present.

    On the first poll (no watermark) it begins at ``since.start``, or reads everything.
    """
    scan = Scan(
        stream=stream,
        started_at=now,
        fingerprint=fingerprint,
        watermark=watermark,
        previous_highest=previous_highest,
    )
    rule = stream.since
    if rule is None:
        return scan
    if watermark is None:
        return replace(scan, since=rule.start)
    lowered = watermark - nanoseconds(rule.lookback)
    return replace(scan, since=floor(lowered, rule.unit), since_text=watermark_text)
