"""Speaks to one source: one connection pool, one identity, one set of permits, one hold."""

from __future__ import annotations

import contextlib
import math
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from poller.core.errors import StoreError
from poller.core.model import Reveal, Source, Stream
from poller.core.page import Response
from poller.core.request import Request
from poller.core.runs import Attempt
from poller.core.steps import Fetched
from poller.core.tokens import TokenAuth
from poller.core.verdict import Verdict
from poller.http.conversation import Conversation, Line
from poller.http.credentials import Credentials
from poller.http.exchange import refuse_redirects
from poller.http.holds import Hold, StoredHolds
from poller.http.learned import Learned
from poller.http.origins import Base
from poller.http.patience import Patience, Stop
from poller.http.permits import PassingPermits, StoredPermits
from poller.http.redact import Redactor, guard, unguard
from poller.http.retry import persist
from poller.http.throttle import Throttle
from poller.http.tokens import Tokens
from poller.http.transport import DeadlineTransport
from poller.http.turns import Turns
from poller.http.usage import StoredUsage, Usage

GRACE = timedelta(seconds=15)
"""How long a request under way may go on after we were asked to stop."""


class HttpVoice:
    """The engine's ``Voice`` for one source; safe to share between threads.

    ``stop`` is an event: once it is set nothing new is sent, waits end with Stopped, and a
    request under way has ``grace`` left. ``debug`` is given each request as a curl line and
    its answer as a line, without secrets. ``tls`` None trusts what the machine (and
    ``SSL_CERT_FILE``) trusts. Tokens are kept in ``state_dir``; None keeps them in memory alone.
    ``permits`` None keeps the rate budget for as long as the voice lives; ``usage`` None notes none.
    No request waits for the end of a hold that lasts longer than ``longest_hold``: it ends as rate
    limited; None waits as long as the budget lasts. ``before`` is a voice of the same source that
    is being replaced: while its last runs go on, both share one hold and the limits of this one.
    Raises SettingsError for a base URL, or a place of tokens, that cannot be used.
    """

    def __init__(  # noqa: PLR0913 (what may be absent is named)
        self,
        source: Source,
        holds: StoredHolds,
        clock: Callable[[], datetime],
        stop: Stop,
        redactor: Redactor,
        reveal: Reveal,
        debug: Callable[[str], None] | None = None,
        *,
        grace: timedelta = GRACE,
        tls: ssl.SSLContext | None = None,
        state_dir: Path | None = None,
        permits: StoredPermits | None = None,
        usage: StoredUsage | None = None,
        longest_hold: timedelta | None = None,
        before: HttpVoice | None = None,
    ) -> None:
        base = Base(source.base_url)
        secrets = Learned(source.name, reveal, redactor)
        auth = source.auth
        tokens = Tokens(auth, base, secrets, state_dir) if isinstance(auth, TokenAuth) else None
        secure = base.url.scheme == "https" or (tokens is not None and tokens.is_secure)
        self._watching = guard(redactor)
        self._longest_hold = math.inf if longest_hold is None else longest_hold.total_seconds()
        self._keeps_turns = True
        self._line = Line(
            source=source,
            base=base,
            client=_client(source.concurrency, tls, secure=secure),
            credentials=Credentials(source, secrets, tokens),
            turns=_turns(source, holds, clock, redactor, permits)
            if before is None
            else before.hand_over(source),
            usage=Usage(source, usage),
            redactor=redactor,
            clock=clock,
            stop=stop,
            grace=grace,
            debug=debug,
        )

    def fetch(
        self,
        stream: Stream,
        request: Request,
        judge: Callable[[Response], Verdict],
        note: Callable[[Attempt], None],
        *,
        run: str,
        give_up_at: datetime,
    ) -> Fetched:
        """The first verdict that ends the request. See ``Voice.fetch`` for the contract."""
        line = self._line
        patience = Patience(line.source.name, line.clock, line.stop, give_up_at, self._longest_hold)
        patience.check()
        talk = Conversation(line, stream, request, judge, note, patience)
        return persist(stream.retry, patience, talk.once)

    def held_seconds(self) -> float:
        """How much longer the source must not be asked; 0.0 when it may be. Raises StoreUnavailable."""
        return self._line.turns.held_seconds()

    def reread_credentials(self) -> None:
        """Read the secrets again at the next request: the settings were reloaded."""
        self._line.credentials.forget()

    def close(self) -> None:
        """Close the connections, and give back the permits that were not used.

        No request may be under way.
        """
        self._line.client.close()
        self._line.usage.close()
        if self._keeps_turns:
            with contextlib.suppress(StoreError):  # permits that are not given back count as used
                self._line.turns.close()
        unguard(self._watching)

    def hand_over(self, source: Source) -> Turns:
        """Our hold and permits, for the voice that replaces this one, under its limits."""
        self._keeps_turns = False
        self._line.turns.relimit(source.concurrency, source.rate_limit)
        return self._line.turns


def _turns(
    source: Source,
    holds: StoredHolds,
    clock: Callable[[], datetime],
    redactor: Redactor,
    permits: StoredPermits | None,
) -> Turns:
    kept = PassingPermits() if permits is None else permits
    throttle = Throttle(source.name, source.concurrency, source.rate_limit, kept)
    return Turns(Hold(source.name, holds, clock), throttle, redactor.clean)


def _client(connections: int, tls: ssl.SSLContext | None, *, secure: bool) -> httpx.Client:
    """A client that follows nothing and reads no environment (netrc would add credentials)."""
    trusted = tls if tls is not None or not secure else httpx.create_ssl_context()
    return httpx.Client(
        transport=DeadlineTransport(connections, trusted),
        trust_env=False,
        follow_redirects=False,
        event_hooks={"response": [refuse_redirects]},
    )
