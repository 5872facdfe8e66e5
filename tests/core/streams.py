"""Streams and responses for tests of the core, as values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from poller.core.model import SinceRule, Stream
from poller.core.page import Response
from poller.core.path import Path
from poller.core.position import from_datetime
from poller.core.request import Template
from poller.pagers.cursor import Cursor
from poller.schedules.interval import Interval

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_stream(**changes: object) -> Stream:
    stream = Stream(
        source="crm",
        name="calls",
        table="crm_calls",
        template=Template("GET", "/calls", (("since", "{since}"), ("cursor", "{cursor}"))),
        pager=Cursor(size=100, next=Path("next")),
        schedule=Interval(every=timedelta(minutes=5)),
        records=Path("rows"),
        key=(Path("id"),),
        updated_at=Path("at"),
        since=SinceRule(),
    )
    return replace(stream, **changes)  # type: ignore[arg-type]


def a_response(body: bytes | str = b"{}", status: int = 200, **headers: str) -> Response:
    return Response(
        status=status,
        headers=tuple((name.replace("_", "-").lower(), value) for name, value in headers.items()),
        body=body.encode() if isinstance(body, str) else body,
        requested_at=NOON,
        date=from_datetime(NOON),
    )
