"""Which voice speaks for a source now, and when one that was replaced is closed: with its last run."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from poller.engine.ports import Voice


class Speaker(Voice, Protocol):
    """A voice that can be closed once nobody uses it."""

    def close(self) -> None: ...


V = TypeVar("V", bound=Speaker)


class Voices(Generic[V]):
    """One voice per source, opened when it is first needed.

    ``open_one`` is given the source's name and the voice that its runs under way still use, for
    the new one to share its limits; None when there is none.
    """

    def __init__(self, open_one: Callable[[str, V | None], V]) -> None:
        self._open_one = open_one
        self._lock = threading.Lock()
        self._now: dict[str, V] = {}
        self._replaced: list[tuple[str, V]] = []
        """Voices that nobody else is given, with runs under way; newest last."""
        self._users: Counter[int] = Counter()

    def of(self, name: str) -> V:
        """The voice of a source. Raises SettingsError."""
        with self._lock:
            return self._opened(name)

    @contextmanager
    def lent(self, name: str) -> Iterator[V]:
        """The voice of a source; it is not closed inside the block, even if it is replaced."""
        with self._lock:
            voice = self._opened(name)
            self._users[id(voice)] += 1
        try:
            yield voice
        finally:
            with self._lock:
                over = self._given_back(voice)
            if over:
                voice.close()

    def known(self, name: str) -> V | None:
        """The voice of a source; None when it was not needed yet."""
        with self._lock:
            return self._now.get(name)

    def replace(self, names: Iterable[str], take_over: Callable[[], None]) -> None:
        """Open new voices when these sources' are asked for again, by what ``take_over`` brings in force.

        Those of now are closed with their last runs.
        """
        with self._lock:
            take_over()
            found = [(name, self._now.pop(name)) for name in names if name in self._now]
            self._replaced += [each for each in found if self._users[id(each[1])] > 0]
            idle = [voice for _, voice in found if self._users[id(voice)] == 0]
        for voice in idle:
            voice.close()

    def close(self) -> None:
        """Close them all. No run may be under way."""
        for voice in (*self._now.values(), *(voice for _, voice in self._replaced)):
            voice.close()

    def _opened(self, name: str) -> V:
        if name not in self._now:
            before = [voice for of, voice in self._replaced if of == name]
            self._now[name] = self._open_one(name, before[-1] if before else None)
        return self._now[name]

    def _given_back(self, voice: V) -> bool:
        """Whether that was the last run of a voice that was replaced."""
        self._users[id(voice)] -= 1
        if self._users[id(voice)] > 0:
            return False
        del self._users[id(voice)]
        left = [each for each in self._replaced if each[1] is not voice]
        replaced, self._replaced = len(left) < len(self._replaced), left
        return replaced
