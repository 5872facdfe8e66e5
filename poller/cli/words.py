"""How moments, positions, spans and numbers are written: for people, and in JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from poller.cli.names import source_of

NOTHING = "-"
"""Stands in a table where there is no value."""
LONGEST_TOKEN = 24
"""Characters of a token that are shown in a table."""


def moment(at: datetime | None) -> str:
    """``2026-11-21 12:00:00Z``."""
    return NOTHING if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def position(at: int | str | None) -> str:
    """As :func:`moment`, with as many digits behind the second as it has; or the number or token."""
    if at is None:
        return NOTHING
    if isinstance(at, str):
        return at if len(at) <= LONGEST_TOKEN else f"{at[: LONGEST_TOKEN - 1]}…"
    from poller.core.position import NUMBERS, canonical, is_number

    if is_number(at):
        return str(at - NUMBERS)
    text = canonical(at).replace("T", " ")
    return re.sub(r"\.?0*Z$", "Z", text) if "." in text else text


def span(length: timedelta) -> str:
    """``3m 12s``: the two largest units."""
    from poller.core.duration import about

    return re.sub(r"(?<=[a-z])(?=\d)", " ", about(length))


def ago(at: datetime | None, now: datetime) -> str:
    """``3m 12s ago``."""
    return NOTHING if at is None else f"{span(max(now - at, timedelta(0)))} ago"


def ahead(at: datetime | None, now: datetime) -> str:
    """``in 48s``, or ``now`` when it is due."""
    if at is None:
        return NOTHING
    return f"in {span(at - now)}" if at > now else "now"


def number(value: int) -> str:
    """``12,345``."""
    return f"{value:,}"


def counted(value: int, one: str, many: str | None = None) -> str:
    """``1 row``, ``2 rows``."""
    return f"{value:,} {one if value == 1 else many or f'{one}s'}"


def named(stream: str, text: str) -> str:
    """``stream: text``; neither the stream nor its source is named twice."""
    return text if text.startswith(stream) else f"{stream}: {text.removeprefix(f'{source_of(stream)}: ')}"


def json_moment(at: datetime | None) -> str | None:
    """``2026-11-21T12:00:00.000000Z`` (RFC 3339); sorts as time does."""
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def json_position(at: int | str | None) -> str | None:
    """``2026-11-21T12:00:00.000000000Z``, or twenty digits: the text of ``_position`` in the mirror."""
    if at is None or isinstance(at, str):
        return at
    from poller.core.position import canonical

    return canonical(at)
