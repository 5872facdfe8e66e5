"""Speaks to one source: one connection pool, one identity, one set of permits, one hold."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx

from poller.core.model import Reveal, Source, Stream
from poller.core.page import Response
from poller.core.request import Request
from poller.core.runs import Attempt
from poller.core.steps import Fetched
from poller.core.verdict import Verdict
from poller.http.conversation import Conversation, Line
from poller.http.credentials import Credentials
from poller.http.exchange import refuse_redirects
from poller.http.holds import Hold, StoredHolds
from poller.http.origins import Base
from poller.http.patience import Patience, Stop
from poller.http.redact import Redactor, guard, unguard
from poller.http.retry import persist
from poller.http.throttle import Throttle
from poller.http.transport import DeadlineTransport

GRACE = timedelta(seconds=15)
"""How long a request under way may go on after we were asked to stop."""


class HttpVoice:
    """The engine's ``Voice`` for one source; safe to share between threads.

    ``stop`` is an event: once it is set nothing new is sent, waits end with Stopped, and a
    request under way has ``grace`` left. ``debug`` is given each request as a curl line and
    its answer as a line, without secrets. ``tls`` None trusts what the machine (and
    ``SSL_CERT_FILE``) trusts. Raises SettingsError for a base URL that cannot be used.
    """

    def __init__(
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
    ) -> None:
        base = Base(source.base_url)
        self._watching = guard(redactor)
        self._line = Line(
            source=source,
            base=base,
            client=_client(source.concurrency, tls, secure=base.url.scheme == "https"),
            credentials=Credentials(source, reveal, redactor),
            hold=Hold(source.name, holds, clock),
            throttle=Throttle(source.concurrency, source.rate_limit),
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
        patience = Patience(line.source.name, line.clock, line.stop, give_up_at)
        patience.check()
        talk = Conversation(line, stream, request, judge, note, patience)
        return persist(stream.retry, patience, talk.once)

    def reread_credentials(self) -> None:
        """Read the secrets again at the next request: the settings were reloaded."""
        self._line.credentials.forget()

    def close(self) -> None:
        """Close the connections. No request may be under way."""
        self._line.client.close()
        unguard(self._watching)


def _client(connections: int, tls: ssl.SSLContext | None, *, secure: bool) -> httpx.Client:
    """A client that follows nothing and reads no environment (netrc would add credentials)."""
    trusted = tls if tls is not None or not secure else httpx.create_ssl_context()
    return httpx.Client(
        transport=DeadlineTransport(connections, trusted),
        trust_env=False,
        follow_redirects=False,
        event_hooks={"response": [refuse_redirects]},
    )
