"""What every way of paging must be able to say, and the guard against paging in circles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Protocol

from poller.core.page import Onward, Record, Response
from poller.core.request import Json, Request, Template


class Steering(Enum):
    """By what a pager is moved to the next page; the scan rules are chosen by it."""

    OFFSET = "offset"
    """By a row number that we compute."""
    CURSOR = "cursor"
    """By a name for the next page that the API gave (a cursor or a URL)."""
    POSITION = "position"
    """By moving since itself."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Everything that a request can depend on.

    ``since`` and ``until`` are already written as the API wants them; None leaves their
    parameters out. ``offset`` counts rows from 0. ``cursor`` is None on the first page.
    """

    since: Json = None
    until: Json = None
    offset: int = 0
    size: int = 100
    cursor: str | None = None


class Pager(Protocol):
    """One way of paging: a frozen dataclass of options; stateless; one file under ``poller/pagers``."""

    steering: ClassVar[Steering]

    @property
    def size(self) -> int:
        """Rows to ask for in one page."""
        ...

    def request(self, template: Template, ask: Ask) -> Request:
        """The request for one page."""
        ...

    def onward(self, document: Any, response: Response, last: Record | None) -> Onward:  # noqa: ANN401
        """What the answer says of the next page. ``document`` is the decoded body (any JSON);
        ``last`` the last record on the page, None when the page is empty.
        Raises ValueError when the answer contradicts itself or its cursor is no text or number.
        """
        ...

    def total(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        """The API's own count of rows; None when it gives none."""
        ...


def placeholder_values(ask: Ask, extra: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """``ask`` as values for :func:`poller.core.request.render`."""
    return {
        "since": ask.since,
        "until": ask.until,
        "offset": ask.offset,
        "page": 1,
        "size": ask.size,
        "cursor": ask.cursor,
        "key": ask.cursor,
        **(extra or {}),
    }


@dataclass(frozen=True, slots=True)
class Guard:
    """Finds any cycle of pages in constant memory (Brent's algorithm).

    One page's mark is kept; after 1, 2, 4, 8 … further pages it is replaced by the page at
    hand. A cycle of length n is seen at the latest when the interval has grown to n.
    """

    mark: str | None = None
    steps: int = 0
    limit: int = 1

    def after(self, mark: str) -> Guard | None:
        """The guard after a page that reads as ``mark`` (request and content); None: seen before."""
        if mark == self.mark:
            return None
        if self.mark is None or self.steps + 1 >= self.limit:
            return Guard(mark, 0, self.limit * 2)
        return Guard(self.mark, self.steps + 1, self.limit)
