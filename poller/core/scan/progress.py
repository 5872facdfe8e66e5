"""What a scan knows beside its place: edge, highest position, counts; saved into the checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from poller.core.page import Page, Validators
from poller.core.position import Position, canonical
from poller.core.scan.evidence import Evidence, limit_of
from poller.core.scan.place import Place, begins_listing, first_place
from poller.core.scan.turn import Turn, after_expiry
from poller.core.steps import Checkpoint, Notice, NoticeKind
from poller.core.window import Scan


@dataclass(frozen=True, slots=True)
class Progress:
    """A scan so far. ``edge`` is the server's clock at its first page, None without a clock."""

    place: Place
    started_at: datetime
    """When the scan began, by our clock; a resumed scan keeps its first beginning."""
    edge: Position | None = None
    horizon: Position | None = None
    """The server's clock at the first page of this run: what changed later is the next poll's."""
    highest: Position | None = None
    highest_text: str | None = None
    pages: int = 0
    rows: int = 0
    noticed: tuple[NoticeKind, ...] = ()
    """Kinds of notices that this scan has given already; each is given once."""
    token: str | None = None
    """The token to go on from; None when no page gave one yet. Of several readings of one listing the
    first gives it: what is deleted between two of them, only the older token tells.
    """
    listing_began_at: datetime | None = None
    """When the first page of a full listing was asked for; None when none is under way."""
    validators: Validators | None = None
    """What the last page is known again by."""


def resume(scan: Scan, checkpoint: Checkpoint | None) -> Progress:
    """The scan's beginning, or the place where it broke off.

    A checkpoint that was made under other settings, or by another version, is not trusted:
    the window is read again. The limits on repeating count from here.
    """
    if checkpoint is None or checkpoint.fingerprint != scan.fingerprint:
        return Progress(first_place(scan), scan.started_at)
    try:
        progress = msgspec.json.decode(checkpoint.state, type=Progress)
    except msgspec.MsgspecError:
        return Progress(first_place(scan), scan.started_at)
    place = progress.place
    unlimited = replace(place, passes=min(place.passes, 1), restarts=0, backed=0, stale=0, strayed=0)
    unlimited = replace(unlimited, length=0, short=None, capped=False)
    return replace(progress, horizon=None, place=replace(unlimited, fresh=place.fresh + checkpoint.fresh))


def without_cursor(scan: Scan, checkpoint: Checkpoint, reason: str) -> Checkpoint | None:
    """The checkpoint as if its cursor had expired, for a cursor that only ever brings errors.

    None when the scan does not stand at a cursor.
    """
    progress = resume(scan, checkpoint)
    if progress.place.cursor is None:
        return None
    onto = after_expiry(scan, progress.place, reason).course.onto or progress.place
    return save(scan, replace(progress, place=onto))


def save(scan: Scan, progress: Progress) -> Checkpoint:
    """``progress`` as the durable place to go on from."""
    return Checkpoint(
        state=msgspec.json.encode(progress).decode(),
        fingerprint=scan.fingerprint,
        started_at=progress.started_at,
        edge=progress.edge,
        highest=progress.highest,
        pages=progress.pages,
        rows=progress.rows,
    )


def seen(scan: Scan, progress: Progress, page: Page, turn: Turn) -> tuple[Progress, tuple[Notice, ...]]:
    """``progress`` after a page, and the notices that are new in this scan."""
    highest, text = _highest(progress, turn.seen)
    notices = {
        notice.kind: notice
        for notice in (*turn.notices, *_about_positions(scan, page))
        if notice.kind not in progress.noticed
    }
    clock = page.date if scan.has_clock else None
    after = replace(
        progress,
        edge=clock if progress.pages == 0 else progress.edge,
        horizon=clock if progress.horizon is None else progress.horizon,
        token=_token(progress, page),
        listing_began_at=page.requested_at if begins_listing(progress.place) else progress.listing_began_at,
        validators=page.validators,
        highest=highest,
        highest_text=text,
        pages=progress.pages + 1,
        rows=progress.rows + page.rows,
        noticed=(*progress.noticed, *notices),
    )
    return after, tuple(notices.values())


def _token(progress: Progress, page: Page) -> str | None:
    again = progress.place.passes > 0 and progress.token is not None
    return progress.token if again or page.token is None else page.token


def _highest(progress: Progress, evidence: Evidence) -> tuple[Position | None, str | None]:
    found = evidence.highest
    if found is None or found.position is None:
        return progress.highest, progress.highest_text
    if progress.highest is not None and found.position <= progress.highest:
        return progress.highest, progress.highest_text
    return found.position, found.position_text


def _about_positions(scan: Scan, page: Page) -> tuple[Notice, ...]:
    notices = []
    limit = limit_of(scan, page)
    ahead = [r for r in page.records if r.position is not None and r.position > limit]
    if ahead:
        furthest = max(record.position or 0 for record in ahead)
        what = "a record on a page lies" if len(ahead) == 1 else f"{len(ahead)} records on a page lie"
        text = f"{what} ahead of the server's clock, up to {canonical(furthest)}"
        notices.append(Notice(NoticeKind.POSITION_AHEAD, text))
    undated = [record for record in page.records if record.position is None]
    if undated and scan.stream.updated_at is not None:
        what = "a record on a page has" if len(undated) == 1 else f"{len(undated)} records on a page have"
        text = f"{what} no position that can be read"
        text += f", such as {undated[0].position_text or 'null'!r:.60}; only a full listing sees them change"
        notices.append(Notice(NoticeKind.POSITION_MISSING, text))
    return tuple(notices)
