"""One attempt of one request: shown, sent, read and noted, whatever comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import httpx

from poller.core.errors import Stopped
from poller.core.model import Limits, Stream
from poller.core.page import Response
from poller.core.retry_after import http_date
from poller.core.runs import Attempt
from poller.http.curl import as_answer, as_curl
from poller.http.deadline import Abandoned, Deadline
from poller.http.exchange import Answer, Fields, Unanswered, exchange
from poller.http.wire import fields_of

if TYPE_CHECKING:
    from poller.http.conversation import Line


@dataclass(frozen=True, slots=True, repr=False)
class Sending:
    """What goes out, for which stream and under which limits, and how it may be written down."""

    wire: httpx.Request
    stream: Stream
    limits: Limits
    note: Callable[[Attempt], None]
    hidden: frozenset[str]
    """Names, lower case, of the headers that are not shown."""
    body: bytes | None
    """The body as it may be shown."""
    number: int = 1
    """Counts the attempts of one request."""


def send(line: Line, sending: Sending) -> tuple[Answer | Unanswered, Response]:
    """One exchange. ``Unanswered`` comes with as much of a response as there was. Raises Stopped."""
    _show(line, sending)
    sent_at, began = line.clock(), time.monotonic()
    outcome: Answer | Unanswered
    try:
        deadline = Deadline(sending.stream.timeout, line.stop, line.grace)
        outcome = exchange(line.client, sending.wire, sending.limits, deadline)
    except Unanswered as broken:
        outcome = broken
    except Abandoned as abandoned:
        _note(line, sending, sent_at, began, None, str(abandoned))
        raise Stopped(f"{sending.stream}: {abandoned}; nothing of it was written") from abandoned
    body = outcome.body if isinstance(outcome, Answer) else b""
    response = _response(line, outcome.status or 0, outcome.headers, body, sent_at, sending.number)
    error = outcome.reason if isinstance(outcome, Unanswered) else None
    _note(line, sending, sent_at, began, outcome, error, response.request_id)
    return outcome, response


def _response(
    line: Line, status: int, headers: Fields, body: bytes, sent_at: datetime, number: int
) -> Response:
    redactor = line.redactor
    if not 200 <= status <= 299:  # noqa: PLR2004 (what an error says is shown in parts: clean it whole)
        body = redactor.clean_bytes(body)
        headers = tuple((key, redactor.clean(at) if key == "location" else at) for key, at in headers)
    response = Response(status, headers, body, sent_at, number=number)
    date, name = response.header("date"), line.source.request_id_header
    return replace(
        response,
        date=None if date is None else http_date(date),
        request_id=None if name is None else redactor.clean(response.header(name) or "") or None,
    )


def _note(
    line: Line,
    sending: Sending,
    sent_at: datetime,
    began: float,
    outcome: Answer | Unanswered | None,
    error: str | None,
    request_id: str | None = None,
) -> None:
    attempt = Attempt(
        sent_at=sent_at,
        method=sending.wire.method,
        url=line.redactor.clean(str(sending.wire.url)),
        status=None if outcome is None else outcome.status,
        duration=time.monotonic() - began,
        bytes_received=0 if outcome is None else outcome.wire,
        number=sending.number,
        request_id=request_id,
        error=None if error is None else line.redactor.clean(error),
    )
    sending.note(attempt)
    if line.debug is not None:
        decoded = len(outcome.body) if isinstance(outcome, Answer) else None
        received = attempt.bytes_received
        answer = as_answer(attempt.status, attempt.duration, received, decoded, request_id, attempt.error)
        line.debug(line.redactor.clean(answer))


def _show(line: Line, sending: Sending) -> None:
    if line.debug is not None:
        wire = sending.wire
        text = as_curl(wire.method, str(wire.url), fields_of(wire), sending.body, hidden=sending.hidden)
        line.debug(line.redactor.clean(text))
