"""One thing at a time per stream: who comes while somebody works on it is turned away, or waits behind."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

log = structlog.get_logger("poller.daemon")

Work = Callable[[], None]


class Turns:
    """Bounded threads that work on streams. Once ``stop`` is set nothing more is begun."""

    def __init__(self, workers: int, stop: threading.Event) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="poll")
        self._stop = stop
        self._lock = threading.Lock()
        self._busy: dict[str, deque[Work]] = {}
        """The streams that are worked on, each with what waits behind."""

    @property
    def busy(self) -> frozenset[str]:
        """The streams that are worked on, or wait for a thread."""
        with self._lock:
            return frozenset(self._busy)

    def offer(self, stream: str, work: Work) -> None:
        """Work on the stream as soon as a thread is free, unless somebody does already or waits for that."""
        self._enter(stream, work, waits=False)

    def queue(self, stream: str, work: Work) -> None:
        """Work on the stream, behind whoever does now."""
        self._enter(stream, work, waits=True)

    def close(self) -> None:
        """Wait for what is under way; what was not begun is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _enter(self, stream: str, work: Work, *, waits: bool) -> None:
        with self._lock:
            if self._stop.is_set():
                return
            if stream in self._busy:
                if waits:
                    self._busy[stream].append(work)
                return
            self._busy[stream] = deque()
        self._pool.submit(self._turn, stream, work)

    def _turn(self, stream: str, work: Work) -> None:
        try:
            work()
        except Exception:  # a thread that dies in silence would be a stream that is never polled again
            log.exception("defect", stream=stream)
        with self._lock:
            behind = self._busy[stream]
            following = behind.popleft() if behind and not self._stop.is_set() else None
            if following is None:
                del self._busy[stream]
        if following is not None:
            self._pool.submit(self._turn, stream, following)
