"""One request until it is answered for good: turn, exchange, verdict, and again where that may help."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx

from poller.core.errors import Category, FetchError, Stopped
from poller.core.model import Source, Stream
from poller.core.page import Page, Response
from poller.core.request import Request
from poller.core.retry_after import http_date, wait_seconds
from poller.core.runs import Attempt
from poller.core.steps import Declined, Expired, Fetched
from poller.core.verdict import Again, Fatal, Renew, Verdict
from poller.http.credentials import Credentials, Identity
from poller.http.curl import as_answer, as_curl
from poller.http.deadline import Abandoned, Deadline
from poller.http.exchange import Answer, Fields, Unanswered, exchange
from poller.http.holds import Hold
from poller.http.origins import Base, shown
from poller.http.patience import Patience, Stop
from poller.http.redact import Redactor
from poller.http.retry import Repeat
from poller.http.throttle import Throttle
from poller.http.wire import fields_of, to_wire


@dataclass(frozen=True, slots=True)
class Line:
    """All that the conversations of one source share."""

    source: Source
    base: Base
    client: httpx.Client
    credentials: Credentials
    hold: Hold
    throttle: Throttle
    redactor: Redactor
    clock: Callable[[], datetime]
    stop: Stop
    grace: timedelta
    debug: Callable[[str], None] | None


class Conversation:
    """One fetch. It counts its attempts and remembers whether its credential was renewed."""

    def __init__(
        self,
        line: Line,
        stream: Stream,
        request: Request,
        judge: Callable[[Response], Verdict],
        note: Callable[[Attempt], None],
        patience: Patience,
    ) -> None:
        self._line = line
        self._stream = stream
        self._request = request
        self._judge = judge
        self._note = note
        self._patience = patience
        self._url = line.base.url_of(request.target, request.params, request.found_under)
        self._attempts = 0
        self._identity: Identity | None = None
        self._renewed = False

    def once(self) -> Fetched:
        """One attempt; a second one at once, with the credential read again, when the first was a 401.

        Raises Repeat when another attempt may help, FetchError when none can, Stopped.
        """
        verdict, response = self._ask()
        if isinstance(verdict, Renew) and not self._renewed:
            self._renewed = True
            self._identity = self._line.credentials.renewed(self._known_identity())
            verdict, response = self._ask()
        return self._settle(verdict, response)

    def _ask(self) -> tuple[Verdict, Response]:
        """Wait for our turn, send, and judge. Raises Repeat, FetchError, Stopped."""
        identity = self._known_identity()
        wire = to_wire(self._line.source, self._request, self._url, identity, self._stream.timeout)
        self._wait_for_turn()
        try:
            answer, response = self._send(wire, identity)
            asked = wait_seconds(response)
            if asked is not None and asked > 0:
                self._keep_away(asked, response)
        finally:
            self._line.throttle.complete()
        if isinstance(answer, Unanswered):
            raise self._unanswered(answer, response, held=asked is not None and asked > 0)
        return self._verdict(response), response

    def _wait_for_turn(self) -> None:
        """Return with a permit, at a moment when no hold binds the source."""
        while True:
            self._line.hold.wait(self._patience)
            self._line.throttle.take(self._patience)
            try:
                if self._line.hold.seconds() <= 0:
                    return
            except BaseException:
                self._line.throttle.cancel()
                raise
            self._line.throttle.cancel()

    def _send(self, wire: httpx.Request, identity: Identity) -> tuple[Answer | Unanswered, Response]:
        """One exchange, noted whatever comes of it. Raises Stopped when it was abandoned."""
        self._attempts += 1
        self._show_request(wire, identity)
        sent_at, began = self._line.clock(), time.monotonic()
        try:
            deadline = Deadline(self._stream.timeout, self._line.stop, self._line.grace)
            outcome: Answer | Unanswered = exchange(
                self._line.client, wire, self._line.source.limits, deadline
            )
        except Unanswered as broken:
            outcome = broken
        except Abandoned as abandoned:
            self._record(wire, sent_at, began, None, str(abandoned))
            raise Stopped(f"{self._stream}: {abandoned}; nothing of it was written") from abandoned
        body = outcome.body if isinstance(outcome, Answer) else b""
        response = self._response(outcome.status or 0, outcome.headers, body, sent_at)
        error = outcome.reason if isinstance(outcome, Unanswered) else None
        self._record(wire, sent_at, began, outcome, error, response.request_id)
        return outcome, response

    def _response(self, status: int, headers: Fields, body: bytes, sent_at: datetime) -> Response:
        response = Response(status, headers, body, sent_at, number=self._attempts)
        date, name = response.header("date"), self._line.source.request_id_header
        return replace(
            response,
            date=None if date is None else http_date(date),
            request_id=None if name is None else response.header(name),
        )

    def _keep_away(self, seconds: float, response: Response) -> None:
        """The server said when to come back: nobody of this source asks before."""
        reason = f"HTTP {response.status} asked for {seconds:g} s" + _id(response)
        self._line.hold.place(seconds, self._line.redactor.clean(reason))

    def _unanswered(self, broken: Unanswered, response: Response, *, held: bool) -> Repeat | FetchError:
        """Out of bounds stays out of bounds; everything else may be better next time."""
        where = f"{self._stream}: {self._request.method} {self._shown_url()}"
        status = "" if broken.status is None else f" after HTTP {broken.status}"
        failure = self._failure(
            broken.category,
            f"{where}: {broken.reason}{status}",
            response if broken.status is not None else None,
            hint="raise the limit if the API is right" if broken.category is Category.BOUNDS else None,
        )
        return failure if broken.category is Category.BOUNDS else Repeat(failure, held=held)

    def _verdict(self, response: Response) -> Verdict:
        if 300 <= response.status <= 399:  # noqa: PLR2004 (RFC 9110 §15.4)
            return self._redirect(response)
        return self._judge(response)

    def _redirect(self, response: Response) -> Fatal:
        """Redirects are never followed: they would carry credentials and since to places nobody chose."""
        location = response.header("location")
        if location is None:
            return Fatal(Category.REFUSED, f"HTTP {response.status} without a place to go to")
        goal = self._line.base.redirected(self._url, location)
        own = goal is not None and self._line.base.owns(goal)
        where = location if goal is None else shown(goal)
        return Fatal(
            Category.REFUSED if own else Category.ORIGIN,
            f"HTTP {response.status} redirects to {where}; it was not followed",
            hint="set base_url and path to where the API lives now; a login page means wrong credentials",
        )

    def _settle(self, verdict: Verdict, response: Response) -> Fetched:
        """What a verdict means for the request. Raises Repeat, FetchError."""
        clean = self._line.redactor.clean
        if isinstance(verdict, Page):
            return verdict
        if isinstance(verdict, Expired):
            return Expired(clean(verdict.reason))
        if isinstance(verdict, Declined):
            return Declined(clean(verdict.reason))
        where = f"{self._stream}: "
        if isinstance(verdict, Renew):
            raise self._failure(
                Category.AUTHENTICATION,
                f"{where}{verdict.reason}, again after the credential was read anew",
                response,
                hint="the credential is wrong or has expired: check auth, and the secret that it refers to",
            )
        if isinstance(verdict, Fatal):
            raise self._failure(
                verdict.category, where + verdict.reason, response, verdict.kept, hint=verdict.hint
            )
        raise self._again(verdict, response)

    def _again(self, verdict: Again, response: Response) -> Repeat | FetchError:
        """A wait that was asked for is kept by the hold; one that is too long ends the request now."""
        failure = self._failure(verdict.category, f"{self._stream}: {verdict.reason}", response, verdict.kept)
        if verdict.wait is None or verdict.wait <= 0:
            return Repeat(failure, held=False)
        if verdict.wait > (wait_seconds(response) or 0.0):
            self._keep_away(verdict.wait, response)
        if self._line.hold.seconds() > self._patience.left:
            failure.category = Category.RATE_LIMITED
            failure.hint = "the API asked for a longer wait than this run may take; a later poll goes on"
            return failure
        return Repeat(failure, held=True)

    def _failure(
        self,
        category: Category,
        message: str,
        response: Response | None,
        kept: bytes | None = None,
        *,
        hint: str | None = None,
    ) -> FetchError:
        redactor = self._line.redactor
        return FetchError(
            category,
            redactor.clean(message + (_id(response) if response is not None else "")),
            status=None if response is None else response.status,
            request_id=None if response is None else response.request_id,
            body=None if kept is None else redactor.clean_bytes(kept),
            hint=hint,
        )

    def _known_identity(self) -> Identity:
        if self._identity is None:
            self._identity = self._line.credentials.current()
        return self._identity

    def _record(
        self,
        wire: httpx.Request,
        sent_at: datetime,
        began: float,
        outcome: Answer | Unanswered | None,
        error: str | None,
        request_id: str | None = None,
    ) -> None:
        attempt = Attempt(
            sent_at=sent_at,
            method=wire.method,
            url=self._shown_url(),
            status=None if outcome is None else outcome.status,
            duration=time.monotonic() - began,
            bytes_received=0 if outcome is None else outcome.wire,
            number=self._attempts,
            request_id=request_id,
            error=None if error is None else self._line.redactor.clean(error),
        )
        self._note(attempt)
        if self._line.debug is not None:
            decoded = len(outcome.body) if isinstance(outcome, Answer) else None
            received = attempt.bytes_received
            line = as_answer(attempt.status, attempt.duration, received, decoded, request_id, attempt.error)
            self._line.debug(self._line.redactor.clean(line))

    def _show_request(self, wire: httpx.Request, identity: Identity) -> None:
        if self._line.debug is not None:
            line = as_curl(
                wire.method, str(wire.url), fields_of(wire), self._request.body, hidden=identity.hidden
            )
            self._line.debug(self._line.redactor.clean(line))

    def _shown_url(self) -> str:
        return self._line.redactor.clean(str(self._url))


def _id(response: Response) -> str:
    return "" if response.request_id is None else f" (request ID {response.request_id})"
