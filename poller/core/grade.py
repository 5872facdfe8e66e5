"""How good a promise a stream gets, in one word: what the guarantee says in sentences, as a table has it."""

from __future__ import annotations

from enum import StrEnum

from poller.core.guarantee import guarantee
from poller.core.hazards import anchors, goes_by_token, is_from_key
from poller.core.model import Order, Stream
from poller.core.paging import Steering


class Grade(StrEnum):
    """What the mirror is after the next quiet poll, whatever moved while pages were read."""

    EXACT = "exact"
    """It equals the API, and poller itself has seen to it."""
    AGREED = "agreed"
    """Several readings agreed: evidence, and no proof."""
    TRUSTED = "trusted"
    """It is as good as the API's own cursors, tokens or single answers are."""
    REFUSED = "refused"
    """Rows could be lost: ``check`` refuses these settings."""


def grade(stream: Stream) -> Grade:
    """The grade of the settings of ``stream``, whatever its API does."""
    if guarantee(stream).refused:
        return Grade.REFUSED
    if stream.pager.steering is Steering.SINGLE or goes_by_token(stream):
        return Grade.TRUSTED
    if anchors(stream):
        loose = stream.ties == "unstable" and stream.pager.steering is not Steering.POSITION
        return Grade.AGREED if loose else Grade.EXACT
    if stream.order is Order.NONE:
        return Grade.TRUSTED
    if stream.pager.steering is Steering.PAGE and stream.order is Order.DESC:
        return Grade.AGREED
    numbered = stream.pager.steering in (Steering.OFFSET, Steering.PAGE)
    return Grade.EXACT if numbered or _names_a_row(stream) else Grade.TRUSTED


def _names_a_row(stream: Stream) -> bool:
    """Whether cursors are keys, and what lies behind such a row cannot change places with it unseen."""
    newest_first = stream.order is Order.DESC and stream.ties == "stable"
    return is_from_key(stream) and (stream.order is Order.KEY or newest_first)
