"""Asks a token endpoint once, and says what came of it: a token, or why another try may or cannot help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx

from poller.core.errors import Category, FetchError, SettingsError
from poller.core.model import Secret
from poller.core.page import Response
from poller.core.rate_headers import pause_of
from poller.core.request import Request
from poller.core.tokens import Token, TokenAuth, TokenRequest, refusal, unusable
from poller.core.verdict import Again, Fatal
from poller.http.attempt import Sending, send
from poller.http.errand import Errand
from poller.http.exchange import Answer, Unanswered
from poller.http.identity import Identity
from poller.http.origins import Base, shown
from poller.http.redact import HIDDEN
from poller.http.retry import Repeat
from poller.http.wire import to_wire

LARGEST = 1_000_000
"""Bytes of a token answer, unless the source's own limits are narrower."""


@dataclass(frozen=True, slots=True)
class TokenCall:
    """One request for a token. ``bare`` is who asks but for the token: it goes below the base URL alone."""

    kind: TokenAuth
    request: TokenRequest
    url: httpx.URL
    errand: Errand
    bare: Identity

    def token(self) -> Token:
        """Raises Repeat when another try may help, FetchError when none can, Stopped."""
        line, timeout = self.errand.line, self.errand.stream.timeout
        wire = to_wire(line.source, self._as_request(), self.url, self._identity(), timeout)
        with self._turn():
            outcome, response = self._send(wire)
            held = self._obeyed(response)
        if isinstance(outcome, Unanswered):
            raise self._unanswered(outcome, held=held)
        return self._read(response, held=held)

    def _as_request(self) -> Request:
        kind = ("Content-Type", self.request.content_type)
        headers = self.request.headers if self.request.body is None else (kind, *self.request.headers)
        return Request(self.request.method, self.request.target, (), headers, self.request.body)

    def _identity(self) -> Identity:
        """The source's own headers go where the source is, and not to another server."""
        if _is_below(self.kind):
            return replace(self.bare, own=(), proof=())
        return Identity(self.bare.reading, (), (), (), frozenset())

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """A request to the source takes a turn like every other; one elsewhere obeys the hold."""
        line, patience = self.errand.line, self.errand.patience
        if line.base.owns(self.url):
            with line.turns.turn(patience, self.errand.stream.timeout):
                yield
        else:
            line.turns.wait(patience)
            patience.check()
            yield

    def _obeyed(self, response: Response) -> bool:
        """Whether everybody keeps away for now, because the answer asked for it.

        A server elsewhere binds the source only while it withholds the token: how much of its own
        quota is left after a success is nothing to the API.
        """
        turns = self.errand.line.turns
        if self.errand.line.base.owns(self.url):
            return turns.listen(response) > 0
        issued = 200 <= response.status <= 299  # noqa: PLR2004 (RFC 9110 §15.3)
        pause = None if issued else pause_of(response)
        if pause is not None:
            turns.keep_away(pause.seconds, f"from {shown(self.url)} {pause.why}", response)
        return pause is not None

    def _send(self, wire: httpx.Request) -> tuple[Answer | Unanswered, Response]:
        line, limits = self.errand.line, self.errand.line.source.limits
        carried = {name.lower() for name, _ in self.request.headers} - {"accept"}
        return send(
            line,
            Sending(
                wire,
                self.errand.stream,
                replace(limits, wire=min(limits.wire, LARGEST), decoded=min(limits.decoded, LARGEST)),
                self.errand.note,
                hidden=self.bare.hidden | carried,
                body=self.kind.asks(_unread).body,
            ),
        )

    def _unanswered(self, broken: Unanswered, *, held: bool) -> Repeat | FetchError:
        status = "" if broken.status is None else f" after HTTP {broken.status}"
        if broken.category is Category.BOUNDS:
            return self._failure(Category.AUTHENTICATION, f"{broken.reason}{status}", _PLACE, broken.status)
        failure = self._failure(Category.UNREACHABLE, f"{broken.reason}{status}", None, broken.status)
        return Repeat(failure, held=held)

    def _read(self, response: Response, *, held: bool) -> Token:
        """The token in an answer. Raises Repeat, FetchError."""
        if 300 <= response.status <= 399:  # noqa: PLR2004 (RFC 9110 §15.4)
            raise self._redirected(response)
        verdict = refusal(response)
        if verdict is None:
            try:
                return self.kind.issued(response)
            except ValueError as error:
                verdict = unusable(response, str(error))
        failure = self._failure(
            verdict.category,
            verdict.reason,
            verdict.hint if isinstance(verdict, Fatal) else None,
            response.status,
            response.request_id,
        )
        raise Repeat(failure, held=held) if isinstance(verdict, Again) else failure

    def _redirected(self, response: Response) -> FetchError:
        """Never followed: a redirect would carry the secret to a place that nobody chose."""
        location = response.header("location")
        goal = None if location is None else self.errand.line.base.redirected(self.url, location)
        where = "nowhere" if goal is None else shown(goal)
        reason = f"HTTP {response.status} redirects to {where}; it was not followed"
        return self._failure(Category.AUTHENTICATION, reason, _PLACE, response.status, response.request_id)

    def _failure(
        self,
        category: Category,
        reason: str,
        hint: str | None,
        status: int | None,
        request_id: str | None = None,
    ) -> FetchError:
        named = "" if request_id is None else f" (request ID {request_id})"
        message = f"{self.errand.line.source.name}: no token from {shown(self.url)}: {reason}{named}"
        return FetchError(
            category,
            self.errand.line.redactor.clean(message),
            status=status,
            request_id=request_id,
            hint=hint,
        )


def place_of(kind: TokenAuth, base: Base) -> httpx.URL:
    """Where to ask: below the base URL, or the very URL that the settings name. Raises SettingsError."""
    try:
        return base.url_of(kind.target) if _is_below(kind) else httpx.URL(kind.target)
    except (FetchError, httpx.InvalidURL) as error:
        raise SettingsError(f"the URL of the tokens cannot be read: {error}", hint=_PLACE) from error


def _is_below(kind: TokenAuth) -> bool:
    return "://" not in kind.target


_PLACE = "set token_url (or path) to where tokens are issued now"


def _unread(secret: Secret) -> str:
    """Stands for every secret in what is shown."""
    del secret
    return HIDDEN
