"""What one or two pages say about the settings: the key, the positions, the order, since, the page size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from poller.cli.words import counted, number, position

if TYPE_CHECKING:
    from poller.core.model import Stream
    from poller.core.page import Page
    from poller.core.position import Position
    from poller.core.scan.place import Place
    from poller.core.window import Scan


class Level(StrEnum):
    """What a finding means for whoever wants to start polling."""

    OK = "ok"
    UNSURE = "unsure"
    """Nothing is wrong, and it could not be seen either."""
    CAUTION = "caution"
    """It works, and something is not as the settings say."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence; ``hint`` is the next step, None where none is needed."""

    level: Level
    text: str
    hint: str | None = None


def of_the_page(stream: Stream, page: Page) -> Iterator[Finding]:
    """Rows, keys and positions."""
    if page.rows == 0:
        yield Finding(
            Level.UNSURE,
            "the page has no rows, so nothing could be judged",
            "is that right? check path, params and since.start",
        )
        return
    yield Finding(Level.OK, f"{counted(page.rows, 'row')} on the first page")
    if page.rejects:
        first = page.rejects[0]
        level = Level.FAILED if not page.records else Level.CAUTION
        yield Finding(
            level,
            f"{counted(len(page.rejects), 'row')} cannot be mirrored, the first because of its "
            f"{first.reason}: {first.detail}",
            f"check key ({', '.join(path.text for path in stream.key)}) and records ({stream.records.text})",
        )
    elif len({record.key for record in page.records}) < len(page.records):
        yield Finding(
            Level.CAUTION,
            f"{counted(page.rows, 'row')} have {len({r.key for r in page.records})} keys: rows overwrite "
            "each other",
            'name all fields that make a record unique: key = ["account", "id"]',
        )
    else:
        yield Finding(Level.OK, f"every row has a key of its own, such as {page.records[0].key}")
    yield from _of_positions(stream, page)


def _of_positions(stream: Stream, page: Page) -> Iterator[Finding]:
    if stream.updated_at is None or not page.records:
        return
    unread = [record for record in page.records if record.position is None]
    if not unread:
        yield Finding(
            Level.OK, f"every {stream.updated_at.text} can be read, such as {page.records[-1].position_text}"
        )
        return
    such = unread[0].position_text or "null"
    level = Level.FAILED if len(unread) == len(page.records) else Level.CAUTION
    yield Finding(
        level,
        f"{counted(len(unread), 'row')} of {number(len(page.records))} have no {stream.updated_at.text} "
        f"that can be read, such as {such!r:.60}",
        "check updated_at, and since.format; rows without a position are mirrored, and only a full "
        "listing sees them change",
    )


def of_the_order(stream: Stream, scan: Scan, page: Page) -> Iterator[Finding]:
    """Whether the page is in the order that the settings declare."""
    from poller.core.model import Order
    from poller.core.scan.evidence import group

    if stream.order not in (Order.ASC, Order.DESC):
        return
    groups = [group(scan, record.position) for record in page.records if record.position is not None]
    wanted = sorted(groups, reverse=stream.order is Order.DESC)
    if len(set(groups)) < 2:  # noqa: PLR2004 (an order takes two)
        yield Finding(
            Level.UNSURE, f"whether rows come in {stream.order} order cannot be told: all stand together"
        )
    elif groups == wanted:
        yield Finding(Level.OK, f"rows come in {stream.order} order, as declared")
    else:
        yield Finding(
            Level.FAILED,
            f"rows do not come in {stream.order} order, as the settings declare",
            f'check the sort parameter, or write order = "{_seen_order(groups)}"',
        )


def _seen_order(groups: list[int]) -> str:
    if groups == sorted(groups):
        return "asc"
    return "desc" if groups == sorted(groups, reverse=True) else "none"


def between(page: Page) -> Position | None:
    """A position with rows before it on the page; None when there is no such place."""
    found = sorted(record.position for record in page.records if record.position is not None)
    middle = found[len(found) // 2] if found else None
    if middle is None or middle == found[0]:
        later = [each for each in found if each != found[0]]
        return later[0] if later else None
    return middle


def of_since(scan: Scan, place: Place, page: Page) -> Finding:
    """Whether the page that was asked from a position has rows before it."""
    from poller.core.scan.evidence import group

    asked = scan.asked(place)
    early = [
        record.position
        for record in page.records
        if asked is not None
        and record.position is not None
        and group(scan, record.position) < group(scan, asked)
    ]
    said = position(asked)
    if not early:
        return Finding(Level.OK, f"since is honoured: asked from {said}, nothing came from before")
    return Finding(
        Level.CAUTION,
        f"since is ignored, or read more coarsely: asked from {said}, rows came from "
        f"{position(min(early))} on",
        "check the parameter that holds {since}, and since.format; or say what the filter truncates to: "
        'granularity = "1d"',
    )


def of_the_size(stream: Stream, page: Page, more: bool | None) -> Iterator[Finding]:
    """Whether the page size is honoured; ``more``: rows stand behind a short page, None: nobody looked."""
    from poller.core.page import Cursor

    size, goes_on = stream.pager.size, isinstance(page.onward, Cursor)
    if page.rows == 0:
        return
    if "size" not in stream.template.placeholders():  # nobody asked for a size, so none can be honoured
        if goes_on:
            yield from _of_the_next(stream, goes_on=True)
    elif page.rows > size:
        yield Finding(
            Level.CAUTION,
            f"asked for {size} rows a page, the API sent {page.rows}: it does not heed the size",
            "is the parameter that holds {size} called so in the vendor's documentation?",
        )
    elif page.rows == size:
        yield Finding(Level.OK, f"the page size of {size} is honoured")
        yield from _of_the_next(stream, goes_on=goes_on)
    elif goes_on or more:
        yield Finding(
            Level.CAUTION,
            f"asked for {size} rows a page, the API sends {page.rows}: it caps them",
            f"size = {page.rows} says so",
        )
    else:
        yield Finding(Level.OK, f"all {counted(page.rows, 'row')} fit into one page of {size}")


def _of_the_next(stream: Stream, *, goes_on: bool) -> Iterator[Finding]:
    from poller.core.paging import Steering

    if stream.pager.steering is not Steering.CURSOR:
        return
    if goes_on:
        yield Finding(Level.OK, "the page names the next one")
    else:
        yield Finding(
            Level.CAUTION,
            "the page is full and names no next one: either these are all rows, or next is looked for in "
            "the wrong place",
            "compare page.next with an answer of the API (--debug shows the request)",
        )
