"""How long a server asked us to stay away: Retry-After in both its forms (RFC 9110 §10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

from poller.core.page import Response
from poller.core.position import SECOND, Position, from_datetime

LONGEST = 31 * 86_400.0
"""Seconds. No API sells a quota that takes longer than a month to come back: a larger value
(or a date in the year 9999) is a mistake, and one month is obeyed of it."""

_SECONDS = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?")


def wait_seconds(response: Response) -> float | None:
    """The longest wait, in seconds, that the response asks for, whatever its status; None for none.

    A date is taken relative to the server's own ``Date``, and to our clock at the start of
    the request when there is none (the longer of the readings that are possible). A date
    that is over gives 0.0. Capped at :data:`LONGEST`.
    """
    clock = response.date if response.date is not None else from_datetime(response.requested_at)
    asked = (seconds(value, clock) for name, value in response.headers if name == "retry-after")
    return max((wait for wait in asked if wait is not None), default=None)


def seconds(value: str, clock: Position) -> float | None:
    """One Retry-After value as seconds after ``clock``; None when it is negative or garbage.

    Fractions of a second are no standard, but some APIs send them, and to ignore them
    would be to come back too early.
    """
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST)
    moment = http_date(text)
    if moment is None:
        return None
    return min(max((moment - clock) / SECOND, 0.0), LONGEST)


def http_date(value: str) -> Position | None:
    """An HTTP-date in any of its three forms (RFC 9110 §5.6.7); None when it is none."""
    try:
        moment = parsedate_to_datetime(value)
        return from_datetime(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
