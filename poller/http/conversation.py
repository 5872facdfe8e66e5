"""One request until it is answered for good: turn, exchange, verdict, and again where that may help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from poller.core.errors import Category, FetchError
from poller.core.model import Source, Stream
from poller.core.page import Page, Response
from poller.core.request import Request
from poller.core.retry_after import wait_seconds
from poller.core.runs import Attempt
from poller.core.steps import Declined, Expired, Fetched
from poller.core.verdict import Again, Fatal, Renew, Verdict
from poller.http.attempt import Sending, send
from poller.http.credentials import Credentials
from poller.http.errand import Errand
from poller.http.exchange import Answer, Unanswered
from poller.http.identity import Identity
from poller.http.origins import Base, shown
from poller.http.patience import Patience, Stop
from poller.http.redact import Redactor
from poller.http.retry import Repeat
from poller.http.turns import Turns
from poller.http.usage import Usage
from poller.http.wire import to_wire

NOT_MODIFIED = 304
"""No redirect, whatever its number says."""


@dataclass(frozen=True, slots=True)
class Line:
    """All that the conversations of one source share."""

    source: Source
    base: Base
    client: httpx.Client
    credentials: Credentials
    turns: Turns
    usage: Usage
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
        self._errand = Errand(line, stream, patience, note)
        self._attempts = 0
        self._asked_as: Identity | None = None
        self._renewed = False
        self._outlived = False

    def once(self) -> Fetched:
        """One attempt; a second one at once, with the credential read again, when the first was a 401.

        Raises Repeat when another attempt may help, FetchError when none can, Stopped.
        """
        verdict, response = self._ask()
        if isinstance(verdict, Renew) and not self._renewed:
            self._renewed = True
            assert self._asked_as is not None  # a verdict came of it
            self._line.credentials.renew(self._asked_as, self._errand)
            verdict, response = self._ask()
        return self._settle(verdict, response)

    def _ask(self) -> tuple[Verdict, Response]:
        """Wait for our turn, send, and judge. Raises Repeat, FetchError, Stopped."""
        identity = self._line.credentials.current(self._errand)
        wire = to_wire(self._line.source, self._request, self._url, identity, self._stream.timeout)
        with self._line.turns.turn(self._patience, self._stream.timeout):
            sent = None if self._has_outlived(identity) else self._send(wire, identity)
            asked = 0.0 if sent is None else self._line.turns.listen(sent[1])
        if sent is None:
            return self._ask()
        self._asked_as = identity
        answer, response = sent
        self._line.usage.listen(response)
        if isinstance(answer, Unanswered):
            raise self._unanswered(answer, response, held=asked > 0)
        return self._verdict(response), response

    def _has_outlived(self, identity: Identity) -> bool:
        """Whether our turn was so long in coming that the token ended: not every API says that with 401."""
        over = identity.is_over(self._line.clock()) and not self._outlived
        self._outlived = self._outlived or over
        return over

    def _send(self, wire: httpx.Request, identity: Identity) -> tuple[Answer | Unanswered, Response]:
        """One exchange, noted whatever comes of it. Raises Stopped when it was abandoned."""
        self._attempts += 1
        return send(
            self._line,
            Sending(
                wire,
                self._stream,
                self._line.source.limits,
                self._note,
                hidden=identity.hidden,
                body=self._request.body,
                number=self._attempts,
            ),
        )

    def _unanswered(self, broken: Unanswered, response: Response, *, held: bool) -> Repeat | FetchError:
        """Out of bounds stays out of bounds; everything else may be better next time."""
        where = f"{self._stream}: {self._request.method} {self._shown_url()}"
        status = "" if broken.status is None else f" after HTTP {broken.status}"
        failure = self._failure(
            broken.category,
            f"{where}: {broken.reason}{status}",
            response if broken.status is not None else None,
            hint="raise the limit if the API is right" if "limits." in broken.reason else None,
        )
        return failure if broken.category is Category.BOUNDS else Repeat(failure, held=held)

    def _verdict(self, response: Response) -> Verdict:
        if 300 <= response.status <= 399 and response.status != NOT_MODIFIED:  # noqa: PLR2004 (RFC 9110 §15.4)
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
        turns = self._line.turns
        if verdict.wait is not None and verdict.wait > (wait_seconds(response) or 0.0):
            turns.keep_away(verdict.wait, f"asked for {verdict.wait:g} s", response)
        held = turns.held_seconds()
        if held <= 0:
            return Repeat(failure, held=False)
        if held > self._patience.left_in_hold:
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
            body=None if kept is None or response is None else _cleaned(response.body, len(kept), redactor),
            hint=hint,
        )

    def _shown_url(self) -> str:
        return self._line.redactor.clean(str(self._url))


def _cleaned(body: bytes, length: int, redactor: Redactor) -> bytes:
    """The beginning of ``body`` without secrets, also without one that the cut would have divided."""
    return redactor.clean_bytes(body[: 2 * length])[:length]


def _id(response: Response) -> str:
    return "" if response.request_id is None else f" (request ID {response.request_id})"
