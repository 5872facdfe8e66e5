"""Whose turn it is to ask a source: nobody's while a hold binds it, then whoever gets a permit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from poller.core.model import Window
from poller.core.page import Response
from poller.core.rate_headers import pause_of
from poller.http.holds import Hold
from poller.http.patience import Patience
from poller.http.throttle import Permit, Throttle


class Turns:
    """One source's hold and permits; every request that goes to the source takes a turn first."""

    def __init__(self, hold: Hold, throttle: Throttle, clean: Callable[[str], str]) -> None:
        self._hold = hold
        self._throttle = throttle
        self._clean = clean

    @contextmanager
    def turn(self, patience: Patience, timeout: timedelta) -> Iterator[None]:
        """The block sends one request that ends within ``timeout`` and reads its answer.

        Waits for it. Raises FetchError (rate limited) when that is past the budget; Stopped;
        StoreUnavailable when hold or permits cannot be read or kept: nothing may be sent then.
        """
        permit = self._take(patience, timeout)
        try:
            yield
        finally:
            self._throttle.complete(permit)

    def wait(self, patience: Patience) -> None:
        """Return when no hold binds the source: for what is sent on its behalf to another server.

        Raises FetchError (rate limited) when that is past the budget; Stopped.
        """
        self._hold.wait(patience)

    def listen(self, response: Response) -> float:
        """Keep everybody away for as long as the answer says; how many seconds that is, 0.0 for none.

        Call it inside the turn, so that nobody asks between the answer and the hold.
        """
        pause = pause_of(response)
        if pause is None:
            return 0.0
        self.keep_away(pause.seconds, pause.why, response)
        return pause.seconds

    def keep_away(self, seconds: float, why: str, response: Response) -> None:
        """Nobody of this source asks for ``seconds``. Returns when it is committed."""
        named = "" if response.request_id is None else f" (request ID {response.request_id})"
        self._hold.place(seconds, self._clean(f"HTTP {response.status} {why}{named}"))

    def held_seconds(self) -> float:
        """How much longer the source must not be asked; 0.0 when it may be."""
        return self._hold.seconds()

    def relimit(self, concurrency: int, windows: Sequence[Window]) -> None:
        """Other limits from now on; what is under way counts against them."""
        self._throttle.relimit(concurrency, windows)

    def close(self) -> None:
        """Give back the permits that were not used. Raises StoreUnavailable."""
        self._throttle.close()

    def _take(self, patience: Patience, timeout: timedelta) -> Permit:
        """A permit, at a moment when no hold binds the source."""
        while True:
            self._hold.wait(patience)
            permit = self._throttle.take(patience, timeout.total_seconds())
            try:
                if self._hold.seconds() <= 0:
                    return permit
            except BaseException:
                self._throttle.cancel(permit)
                raise
            self._throttle.cancel(permit)
