"""One hostile answer: what is sent instead of the right one, when, and how the poll has to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from poller.core.runs import Outcome
from tests.hostile.script import Right, Script, once

OK = frozenset({Outcome.OK})
FAILED = frozenset({Outcome.FAILED})
EITHER = OK | FAILED
UNFINISHED = EITHER | {Outcome.PARTIAL}


class Moment(Enum):
    """From which request on the server is hostile."""

    FIRST = "first"
    """The first request ever."""
    MIDDLE = "middle"
    """The second page of the first poll."""
    LATER = "later"
    """The first request of a second poll: a watermark stands."""


Hostile = Callable[[Right], Script | bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """``letters``: at least so many records of a page that was read are dead letters; None says nothing.

    ``missing`` names records that the page does not show in a form that can be mirrored: all others
    of an answer that was taken for a page must be in the mirror at once. ``poisoned`` ones are shown
    right, with a newer position, once the server is good. ``strays`` may be in the mirror although
    they are not in the API's listing.
    """

    name: str
    hostile: Hostile
    ends: frozenset[Outcome]
    moment: Moment = Moment.FIRST
    paging: str = "cursor"
    letters: int | None = None
    missing: frozenset[int] = frozenset()
    poisoned: frozenset[int] = frozenset()
    strays: frozenset[int] = frozenset()
    mates: bool = False
    """The answer, if it is taken for a page, shows every record but the missing ones."""
    says: str = ""
    """What the error must say."""

    def __str__(self) -> str:
        return f"{self.name} · {self.moment.value}"

    def script(self, right: Right) -> Script:
        played = self.hostile(right)
        return once(played) if isinstance(played, bytes) else played


def at_moments(cases: Iterator[Case], *moments: Moment) -> Iterator[Case]:
    """Each case at each of the moments."""
    for case in cases:
        for moment in moments:
            yield replace(case, moment=moment)


def in_turn(cases: Iterator[Case]) -> Iterator[Case]:
    """Each case at one moment, the moments in turn."""
    moments = list(Moment)
    for number, case in enumerate(cases):
        yield replace(case, moment=moments[number % len(moments)])
