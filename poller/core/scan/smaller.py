"""When an answer cannot be cut into records: smaller pages, until the record that spoils it stands alone.

Only where since is moved (ascending): there the rows in front of the record are safe whatever moves.
A record that stands alone on an unreadable page is believed to be spoilt only when a page behind it
can be read: an API that answers with garbage everywhere is down, and its rows are not skipped. Where
pages are named by row numbers, the scan then goes on behind the record: it reads the row behind,
looks at the spoilt one again (if it is readable now, rows have slid), and returns to the ordinary
rules. Where the API names the pages, nothing leads past the record: the run fails, with all that
stands in front of it mirrored. In other orders the run fails at once.
"""

from __future__ import annotations

from dataclasses import replace

from poller.core.errors import Category, FetchError
from poller.core.page import Page, Reject
from poller.core.paging import Guard, Steering
from poller.core.scan.course import Course, taken
from poller.core.scan.evidence import Evidence, tail_of
from poller.core.scan.place import Leg, Place, Sight
from poller.core.steps import Notice, NoticeKind
from poller.core.window import Scan

UNREADABLE = frozenset({Category.SHAPE, Category.BOUNDS})
"""Failures of a page that a smaller page may not have."""
PARTS = 4
"""Into how many parts an unreadable page is cut."""
MOST_SPOILT = 5
"""Unreadable records in a row, until the API is believed to be down."""


def divided(scan: Scan, place: Place, error: FetchError) -> Course:
    """Where to go after an unreadable page. Raises ``error`` where no smaller page leads any further."""
    if place.sight is Sight.LOOKING_BACK:
        return Course(_past(scan, place))
    by_rows = scan.stream.pager.steering is Steering.OFFSET and place.leg is Leg.ANCHORED
    if by_rows and place.size == 1 and place.spoilt < MOST_SPOILT:
        onto = replace(place, offset=place.offset + 1, sight=Sight.BEHIND, spoilt=place.spoilt + 1)
        return Course(replace(onto, confirming=False))
    if place.sight is Sight.BEHIND or place.size <= _least(scan) or not _can_divide(scan, place, error):
        raise error
    smaller = max(1, place.size // PARTS)
    text = f"a page of {place.size} rows cannot be read ({error.message}); asked for {smaller} instead"
    notice = Notice(NoticeKind.PAGE_UNREADABLE, text)
    behind = max(place.unread, place.offset + place.size)
    cut = replace(place, size=smaller, ceiling=place.size, unread=behind, guard=Guard())
    return Course(cut, notices=(notice,))


def grown(scan: Scan, onto: Place) -> Place:
    """Pages as usual again, once the unreadable one was passed."""
    usual = scan.stream.pager.size
    by_rows = scan.stream.pager.steering is Steering.OFFSET
    passed = onto.size < usual and onto.sight is None and 0 < onto.unread <= onto.offset
    return replace(onto, size=usual, unread=0) if by_rows and passed else onto


def is_alone(before: Place, onto: Place) -> bool:
    """Whether a record was just found to spoil its page alone."""
    return onto.spoilt > before.spoilt


def beside(place: Place, page: Page, seen: Evidence) -> Course:
    """After the row behind a spoilt record: look at that one again."""
    marks = tail_of((*place.tail, *seen.marks))
    back = replace(taken(place, page, seen), offset=place.offset - 1, tail=marks, ended=page.rows == 0)
    return Course(replace(back, sight=Sight.LOOKING_BACK))


def spoilt(error: FetchError) -> Reject:
    """The dead letter of a record that stands alone on an unreadable page."""
    detail = f"alone on a page that cannot be read: {error.message}"
    return Reject(error.body or error.message.encode(), "value", detail)


def _past(scan: Scan, place: Place) -> Place:
    """The record is still there, so that no row slid past it: go on behind it, in pages as usual."""
    return replace(
        place,
        offset=place.offset + 1,
        size=scan.stream.pager.size,
        sight=None,
        spoilt=0,
        unread=0,
        confirming=place.ended,
        ended=False,
    )


def _least(scan: Scan) -> int:
    """Rows of the smallest page that leads further: since alone needs a row behind the known one."""
    return 2 if scan.stream.pager.steering is Steering.POSITION else 1


def _can_divide(scan: Scan, place: Place, error: FetchError) -> bool:
    """Whether a smaller page can be asked for, of an API that was readable before and sends JSON at least."""
    pager = scan.stream.pager
    asks = "size" in scan.stream.template.placeholders()
    by_url = pager.steering is Steering.CURSOR and not pager.needs and place.cursor is not None
    numbered = pager.steering is Steering.PAGE and place.offset > 0
    readable = scan.watermark is not None or place.pages > 0
    looks_right = error.body is None or error.body.lstrip()[:1] in (b"{", b"[")
    anchored = place.leg is Leg.ANCHORED
    return anchored and asks and readable and looks_right and not by_url and not numbered
