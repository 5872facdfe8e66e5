"""The flow of one run: which page to fetch, what to commit, and what the drained scan proves.

A poll is a conversation. The generator says what it wants (:mod:`poller.core.steps`), the
engine makes it happen and answers, and nothing here touches a socket, a database or a clock.
A crash is "nobody calls send any more": whatever the last answered commit held is the truth,
and the next run goes on from its checkpoint.

Three rules hold everywhere:

- A page's records and the place behind it are committed together, the place last. The next
  page may already be on its way, but it counts only once the commit before it is answered.
- The watermark moves in the last page's transaction, only when the scan was drained, to the
  highest position seen, never past the server's clock at the scan's first response less
  settle, and never down.
- What a rule cannot prove it repeats: a reading of rows without an order, or of a tie group
  behind cursors, ends only when a further reading brings nothing new.

Where since is an opaque token there is no position to go by: the API's own token of the last page
takes its place, and when the API forgets it, everything is listed again and what the listing
lacks is gone.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from poller.core.errors import ScanError
from poller.core.model import Order
from poller.core.page import Page, Reject
from poller.core.paging import Steering
from poller.core.scan.course import MOST_PASSES, Course
from poller.core.scan.evidence import clock_of
from poller.core.scan.place import Place, begins_listing
from poller.core.scan.progress import Progress, resume, save, seen
from poller.core.scan.smaller import is_alone, spoilt
from poller.core.scan.turn import Turn, after_expiry, after_refusal, after_unreadable, take
from poller.core.steps import (
    Answer,
    Checkpoint,
    Commit,
    Committed,
    Exchange,
    Exchanged,
    Expired,
    Fetch,
    Fetched,
    Listing,
    Notice,
    NoticeKind,
    Step,
    Unreadable,
)
from poller.core.validators import conditional
from poller.core.watermark import finish, is_unbelievable
from poller.core.window import Scan

Flow = Generator[Step, Answer, Progress]


def poll(scan: Scan, checkpoint: Checkpoint | None = None) -> Flow:
    """Read one window to its end. Yields steps, wants their answers, returns what was seen.

    Raises ScanError when the pages cannot be proved complete.
    """
    progress = resume(scan, checkpoint)
    fetched = _brought((yield _first_fetch(scan, progress)))
    unsaid: tuple[Notice, ...] = ()
    lost: tuple[Reject, ...] = ()
    while True:
        if not isinstance(fetched, Page):
            turn = _without_a_page(scan, progress.place, fetched)
            unsaid += turn.notices + turn.course.notices
            elsewhere = turn.course.onto or progress.place
            if isinstance(fetched, Unreadable) and is_alone(progress.place, elsewhere):
                lost += (spoilt(fetched.error),)
            progress = replace(progress, place=elsewhere)
            fetched = _brought((yield _fetch(scan, progress.place)))
            continue
        turn = take(scan, progress.place, fetched, progress.horizon)
        progress, notices = seen(scan, progress, fetched, turn)
        commit = _commit(scan, progress, fetched, unsaid + notices)
        commit = replace(commit, rejects=(*commit.rejects, *lost))
        unsaid, lost = (), ()
        onto = turn.course.onto
        if turn.course.again is not None:
            onto = yield from _repeat_until_proved(scan, progress, commit, turn.course)
            if onto is None:
                yield _nothing_but(commit, scan, progress)
                return progress
            progress = replace(progress, place=onto)
            fetched = _brought((yield _fetch(scan, onto)))
        elif onto is None:
            yield _drained(commit, scan, progress)
            return progress
        else:
            reading = progress.place.passes
            progress = replace(progress, place=onto)
            saved = replace(commit, checkpoint=save(scan, progress))
            committed, fetched = _both((yield Exchange(saved, _fetch(scan, onto))))
            if onto.passes == reading:  # what the last page of a reading brought is not the next one's
                progress = replace(progress, place=replace(onto, fresh=onto.fresh + committed.fresh))


def _first_fetch(scan: Scan, progress: Progress) -> Fetch:
    """The run's first request, under a condition when the listing was read in this one page before."""
    plain = _fetch(scan, progress.place)
    asked = conditional(plain.request, scan.validators) if progress.pages == 0 else None
    return plain if asked is None else replace(plain, request=asked, validators=scan.validators)


def _fetch(scan: Scan, place: Place) -> Fetch:
    stream = scan.stream
    request = stream.pager.request(stream.template, scan.ask(place))
    link = scan.link(place)
    if link is not None:
        request = replace(request, target=link, params=(), found_under=request.target)
    asked = scan.opaque and place.since_text is not None
    return Fetch(
        request=request,
        mid_scan=place.cursor is not None,
        optional=place.size > stream.pager.size,
        forgotten=scan.rule.expired if asked else frozenset(),
        further=place.offset > 0 and stream.pager.steering is Steering.PAGE,
    )


def _without_a_page(scan: Scan, place: Place, fetched: Fetched) -> Turn:
    if isinstance(fetched, Expired):
        return after_expiry(scan, place, fetched.reason)
    if isinstance(fetched, Unreadable):
        return after_unreadable(scan, place, fetched.error)
    return after_refusal(scan, place)


def _commit(scan: Scan, progress: Progress, page: Page, notices: tuple[Notice, ...]) -> Commit:
    """The page's transaction, but for what comes last in it: a checkpoint or a finish."""
    return Commit(
        records=page.records,
        rejects=page.rejects,
        requested_at=page.requested_at,
        edge=clock_of(page) if scan.has_clock else None,
        request_id=page.request_id,
        checkpoint=None,
        finish=None,
        newest_first=progress.place.order is Order.DESC,
        late_below=scan.watermark,
        fresh_through=progress.edge,
        notices=notices,
        listing=_listing(progress),
    )


def _listing(progress: Progress) -> Listing | None:
    """That the page is one of a listing of everything, where the API would tell of deletions otherwise."""
    if not progress.place.whole or progress.listing_began_at is None:
        return None
    return Listing(progress.listing_began_at, first=begins_listing(progress.place))


def _drained(commit: Commit, scan: Scan, progress: Progress) -> Commit:
    """The transaction that also says that the scan is drained."""
    notices = commit.notices
    if scan.opaque and progress.token is None:
        text = "no page gave a token to go on from; the next poll asks as this one did"
        notices += (Notice(NoticeKind.TOKEN_MISSING, text),)
    if is_unbelievable(progress):
        text = "the server's clock is more than a day ahead of ours; the watermark stays until they agree"
        notices += (Notice(NoticeKind.CLOCK_AHEAD, text),)
    return replace(commit, finish=finish(scan, progress), notices=notices)


def _nothing_but(commit: Commit, scan: Scan, progress: Progress) -> Commit:
    """A transaction that only says that the scan is drained."""
    return _drained(replace(commit, records=(), rejects=(), notices=()), scan, progress)


def _repeat_until_proved(
    scan: Scan, progress: Progress, commit: Commit, course: Course
) -> Generator[Step, Answer, Place | None]:
    """Commit, and look whether the reading that ends here brought anything new."""
    again = course.again or progress.place
    saved = replace(commit, checkpoint=save(scan, replace(progress, place=again)))
    fresh = progress.place.fresh + _done((yield saved)).fresh
    if fresh == 0:
        return course.onto
    if again.passes > MOST_PASSES:
        raise ScanError(
            f"{again.passes} readings in a row each brought new records that were there before the scan "
            f"began ({fresh} in the last): rows move faster than they can be read",
            hint='ask the API for an order: order = "key" by a unique, immutable field is best',
        )
    return replace(again, fresh=0)


def _brought(answer: Answer) -> Fetched:
    if isinstance(answer, Committed | Exchanged) or answer is None:
        raise TypeError(f"a fetch must be answered with what was fetched, not {answer!r}")
    return answer


def _done(answer: Answer) -> Committed:
    if not isinstance(answer, Committed):
        raise TypeError(f"a commit must be answered with what it did, not {answer!r}")
    return answer


def _both(answer: Answer) -> tuple[Committed, Fetched]:
    if not isinstance(answer, Exchanged):
        raise TypeError(f"an exchange must be answered with both, not {answer!r}")
    return answer.committed, answer.fetched
