"""The server of a family: numbers requests, moves the model between them, breaks answers, and counts misuse.

::

    with Api(PageNumbers(model)) as api:
        model.fill(500)
        api.between_pages(lambda model: model.update(1))
        api.fault(4, Status(503))
        …                                     # poll api.base_url
        assert mirror == api.family.shown()
        assert api.misuses == []
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from tests.emulators.families.call import Call, Family, Misused, Refused
from tests.emulators.families.model import Model
from tests.emulators.faults import Fault, Reply, http_date
from tests.emulators.server import Asked, Server
from tests.emulators.stamps import SECOND

TOKEN = "the-emulators-own-token"
"""What every request must bear: ``Authorization: Bearer …``."""

Hook = Callable[[Model], object]


@dataclass(frozen=True, slots=True)
class Logged:
    """One request and how it was answered; ``broken``: not as the family wanted."""

    number: int
    asked: Asked
    status: int
    broken: bool


class Api:
    """A family on loopback. Its model moves only between answers, under the model's lock."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.log: list[Logged] = []
        self.misuses: list[str] = []
        self.defects: list[Exception] = []
        self._turn = threading.RLock()
        self._before: dict[int, list[Hook]] = defaultdict(list)
        self._between: list[Hook] = []
        self._faults: dict[int, Fault] = {}
        self._server = Server(self._answer)

    @property
    def model(self) -> Model:
        return self.family.model

    @property
    def base_url(self) -> str:
        return self._server.origin

    @property
    def requests(self) -> int:
        """How many have come so far."""
        return len(self.log)

    @property
    def most_at_once(self) -> int:
        """The most requests that were ever under way together."""
        return self._server.most_at_once

    def before_response(self, number: int, hook: Hook) -> None:
        """Move the model when request ``number`` has come and is not yet answered."""
        self._before[number].append(hook)

    def before_next(self, hook: Hook) -> None:
        """The same with the next request."""
        self.before_response(self.requests + 1, hook)

    def between_pages(self, hook: Hook) -> None:
        """Move the model after each answer that was right, the last one included."""
        self._between.append(hook)

    def fault(self, number: int, *faults: Fault) -> None:
        """Break the answers to request ``number`` and, with several faults, to those that follow it."""
        self._faults |= {number + turn: fault for turn, fault in enumerate(faults)}

    def be_quiet(self) -> None:
        """Forget all hooks and faults."""
        with self._turn:
            self._before.clear()
            self._between.clear()
            self._faults.clear()

    def close(self) -> None:
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is None and self.defects:
            raise AssertionError(f"the emulator failed: {self.defects[0]!r}") from self.defects[0]

    # --- what the server does -----------------------------------------------------------------------

    def _answer(self, asked: Asked) -> Reply:
        with self._turn, self.model.lock:
            call = Call(self.requests + 1, asked, self.base_url, self.model.clock.now())
            try:
                return self._decide(call)
            except Exception as defect:
                self.defects.append(defect)
                raise

    def _decide(self, call: Call) -> Reply:
        for hook in self._before.pop(call.number, []):
            hook(self.model)
        call = replace(call, now=self.model.clock.now())
        right = self._right(call)
        fault = self._faults.pop(call.number, None)
        reply = right if fault is None else fault.breaks(right, "", call.now)
        self.log.append(Logged(call.number, call.asked, reply.status, broken=fault is not None))
        if fault is None and right.status in (200, 304):
            for hook in self._between:
                hook(self.model)
        headers = (("Date", http_date(call.now // SECOND)), ("X-Request-ID", f"req-{call.number}"))
        return replace(reply, headers=(*reply.headers, *headers))

    def _right(self, call: Call) -> Reply:
        try:
            call.bears(TOKEN)
            return self.family.answer(call)
        except Refused as refused:
            return refused.reply
        except Misused as misused:
            self.misuses.append(f"request {call.number}, {call.asked.method} {call.asked.target}: {misused}")
            return Reply(status=400, document={"error": str(misused)})
