"""How far a drained scan lets the watermark go. Our own clock may lower it, never raise it."""

from __future__ import annotations

from datetime import timedelta

from poller.core.model import Order
from poller.core.position import Position, from_datetime, nanoseconds
from poller.core.scan.progress import Progress
from poller.core.steps import Finish
from poller.core.window import Scan

FURTHEST_AHEAD = timedelta(days=1)
"""How far a server's clock may be ahead of ours and still be believed: time zones taken for UTC, and more."""


def finish(scan: Scan, progress: Progress) -> Finish:
    """What the drained scan proves."""
    if scan.opaque:
        return _by_token(scan, progress)
    settle, edge = nanoseconds(scan.rule.settle), progress.edge
    reached = None if is_unbelievable(progress) else _trusted(scan, progress)
    if scan.has_clock:
        limit = edge if edge is not None else from_datetime(progress.started_at)
        reached = _lowest(reached, limit - settle)
    if reached is not None and scan.watermark is not None and reached <= scan.watermark:
        reached = None
    return Finish(
        watermark=reached,
        watermark_text=progress.highest_text if reached == progress.highest else None,
        highest=progress.highest,
        complete_through=None if edge is None or is_unbelievable(progress) else edge - settle,
        fingerprint=scan.fingerprint,
        validators=progress.validators if progress.pages == 1 else None,
    )


def _by_token(scan: Scan, progress: Progress) -> Finish:
    """The API says itself where to go on from; a scan that gave no token is asked for again."""
    return Finish(
        watermark=None,
        watermark_text=None,
        highest=None,
        complete_through=None if is_unbelievable(progress) else progress.edge,
        fingerprint=scan.fingerprint,
        token=progress.token,
    )


def is_unbelievable(progress: Progress) -> bool:
    """Whether the server's clock is further ahead of ours than clocks ever are. Nobody knows then which
    positions lie ahead, and the watermark stays where it is.
    """
    ours = from_datetime(progress.started_at)
    return progress.edge is not None and progress.edge > ours + nanoseconds(FURTHEST_AHEAD)


def _trusted(scan: Scan, progress: Progress) -> Position | None:
    """The highest position that cannot have overtaken a row that the scan did not see.

    Without the server's clock, rows may have changed behind a scan that did not go in
    ascending order: only what the previous drained scan saw is safe then.
    """
    if progress.edge is not None or progress.place.order is Order.ASC:
        return progress.highest
    return _lowest(progress.highest, scan.previous_highest) if scan.previous_highest is not None else None


def _lowest(one: Position | None, other: Position) -> Position | None:
    return None if one is None else min(one, other)
