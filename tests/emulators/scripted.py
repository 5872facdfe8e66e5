"""A REST API that does what a test says: it holds the truth, moves it between answers, and breaks on command.

::

    with Emulator(Endpoint(paging="offset", cap=70)) as api:
        api.world.insert_many(3000)
        api.between_pages(lambda world: world.update(1))
        api.fault(4, Status(503, retry_after=1))
        …                                # poll api.base_url + "/rows"
        assert mirror == api.truth()

Requests are numbered from 1, over all endpoints, in the order of their arrival; those with wrong
credentials and unknown paths are answered and logged, and have numbers too. Given one client,
the same seed and a frozen clock give the same answers, byte by byte.
"""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from tests.emulators.endpoint import Endpoint
from tests.emulators.faults import Fault, Reply, Status, http_date
from tests.emulators.listing import Listing
from tests.emulators.paging import Pages, Refused, Turn
from tests.emulators.server import Asked, Server
from tests.emulators.stamps import SECOND
from tests.emulators.world import Clock, World

Hook = Callable[[World], object]
"""Changes the world; what it returns is ignored."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One request and what became of it. ``rows`` None: the answer was no page."""

    number: int
    asked: Asked
    status: int
    rows: int | None

    @property
    def params(self) -> dict[str, Any]:
        return self.asked.params


class Emulator:
    """A server of one or more endpoints, each with a world of its own under one clock.

    ``seed`` rules all dice. ``credential``: a header that every request must carry, else 401.
    ``request_id``: the response header that carries ``req-<number>``; None sends none.
    """

    def __init__(
        self,
        *endpoints: Endpoint,
        seed: int = 1,
        clock: Clock | None = None,
        unit: int = SECOND,
        credential: tuple[str, str] | None = None,
        request_id: str | None = "X-Request-ID",
    ) -> None:
        self.seed = seed
        self.clock = clock or Clock()
        self.credential = credential
        self.request_id = request_id
        self.shows_date = True
        self.log: list[Logged] = []
        self.defects: list[BaseException] = []
        served = endpoints or (Endpoint(),)
        self.worlds = {endpoint.path: World(self.clock, unit) for endpoint in served}
        self._pages = {
            endpoint.path: Pages(Listing(endpoint, self.worlds[endpoint.path])) for endpoint in served
        }
        self._turn = threading.RLock()
        self._count = 0
        self._before: dict[int, list[Hook]] = defaultdict(list)
        self._after: dict[int, list[Hook]] = defaultdict(list)
        self._between: list[tuple[Hook, str | None]] = []
        self._faults: dict[int, Fault] = {}
        self._outage: Fault | None = None
        self._server = Server(self._answer)

    # --- what a test says -------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return self._server.origin

    @property
    def world(self) -> World:
        """The first endpoint's world."""
        return next(iter(self.worlds.values()))

    @property
    def requests(self) -> int:
        """How many have come so far: the next one's number less one."""
        return self._count

    @property
    def most_at_once(self) -> int:
        """The most requests that were ever under way together."""
        return self._server.most_at_once

    def before_response(self, number: int, hook: Hook) -> None:
        """Change the world when request ``number`` has come and is not yet answered."""
        self._before[number].append(hook)

    def after_response(self, number: int, hook: Hook) -> None:
        """Change the world when the answer to request ``number`` is fixed, before the next is read."""
        self._after[number].append(hook)

    def between_pages(self, hook: Hook, path: str | None = None) -> None:
        """Change the world after each page (of ``path``, or of any endpoint), the last one included."""
        self._between.append((hook, path))

    def be_quiet(self) -> None:
        """Forget all hooks and faults, the outage included."""
        with self._turn:
            self._before.clear()
            self._after.clear()
            self._between.clear()
            self._faults.clear()
            self._outage = None

    def fault(self, number: int, *faults: Fault) -> None:
        """Break the answers to request ``number`` and, with several faults, to those that follow it."""
        self._faults |= {number + turn: fault for turn, fault in enumerate(faults)}

    def fault_next(self, *faults: Fault) -> None:
        """Break the answers to the next requests, one fault each."""
        self.fault(self._count + 1, *faults)

    def down(self, fault: Fault | None = None) -> None:
        """Break every answer until :meth:`up`; by default a 503 in HTML."""
        self._outage = fault or Status(503)

    def up(self) -> None:
        self._outage = None

    def expire_cursors(self) -> None:
        """Refuse every cursor that was given out until now."""
        for pages in self._pages.values():
            pages.expire_cursors(self._count + 1)

    def truth(self, path: str | None = None) -> dict[int, dict[str, Any]]:
        """Every row, newest version, as the endpoint would show it, by key; lag and filters aside."""
        pages = self._pages[path or next(iter(self._pages))]
        with pages.listing.world.lock:
            return {row.id: pages.listing.show(row) for row in pages.listing.world.newest()}

    def pages_asked(self, path: str | None = None) -> Iterable[Logged]:
        """The log's requests that brought a page."""
        return (entry for entry in self.log if entry.rows is not None and path in (None, entry.asked.path))

    def close(self) -> None:
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is None and self.defects:
            first = self.defects[0]
            raise AssertionError(f"a hook or a page of the emulator failed: {first!r}") from first

    # --- what the server does -----------------------------------------------------------------

    def _answer(self, asked: Asked) -> Reply:
        """One request's reply, decided under one lock: hooks, page, faults, hooks."""
        with self._turn:
            self._count += 1
            try:
                return self._decide(self._count, asked)
            except Exception as defect:
                self.defects.append(defect)
                raise

    def _decide(self, number: int, asked: Asked) -> Reply:
        pages = self._pages.get(asked.path)
        world = self.world if pages is None else pages.listing.world
        with world.lock:
            for hook in self._before.pop(number, []):
                hook(world)
            now = self.clock.now()
            reply, rows = self._reply(number, asked, pages, now)
            self.log.append(Logged(number, asked, reply.status, rows))
            for hook in self._after.pop(number, []):
                hook(world)
            if rows is not None:
                for hook, path in self._between:
                    if path in (None, asked.path):
                        hook(world)
        return replace(reply, headers=(*reply.headers, *self._headers(number, now)))

    def _reply(self, number: int, asked: Asked, pages: Pages | None, now: int) -> tuple[Reply, int | None]:
        """The reply, and how many rows it brings (None: it is no page)."""
        fault = self._faults.pop(number, self._outage)
        right, rows = self._right(number, asked, pages)
        if fault is None:
            return right, rows
        records = "" if pages is None else pages.endpoint.names.records
        broken = fault.breaks(right, records, now)
        whole = broken.status == right.status and broken.encoded == right.encoded and not broken.dropped
        return broken, rows if whole else None

    def _right(self, number: int, asked: Asked, pages: Pages | None) -> tuple[Reply, int | None]:
        if self.credential is not None and asked.header(self.credential[0]) != self.credential[1]:
            return _error(401, "missing or wrong credentials"), None
        if pages is None or asked.method != pages.endpoint.method:
            return _error(404, f"no such endpoint: {asked.method} {asked.path}"), None
        rng = random.Random(f"{self.seed} {number}")
        try:
            page = pages.page(Turn(asked.params, number, rng, self.base_url))
        except Refused as refused:
            return _error(refused.status, refused.sentence), None
        return Reply(document=page), _rows_in(page, pages.endpoint.names.records)

    def _headers(self, number: int, now: int) -> tuple[tuple[str, str], ...]:
        named = () if self.request_id is None else ((self.request_id, f"req-{number}"),)
        dated = (("Date", http_date(now // SECOND)),) if self.shows_date else ()
        return (*dated, *named)


def _error(status: int, sentence: str) -> Reply:
    return Reply(status=status, document={"error": sentence})


def _rows_in(page: dict[str, Any] | list[Any], records: str) -> int:
    if isinstance(page, list):
        return len(page)
    found: Any = page
    for name in records.split("."):
        found = found[name]
    return len(found)
