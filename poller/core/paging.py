"""What every way of paging must be able to say, and the guard against paging in circles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, ClassVar, Protocol

from poller.core.page import Onward, Record, Response
from poller.core.path import Header, Lookup
from poller.core.request import Json, Request, Template, render


class Steering(Enum):
    """By what a pager is moved to the next page; the scan rules are chosen by it."""

    OFFSET = "offset"
    """By a row number that we compute."""
    CURSOR = "cursor"
    """By a name for the next page that the API gave (a cursor or a URL)."""
    POSITION = "position"
    """By moving since itself."""
    PAGE = "page"
    """By a page number that we compute."""
    SINGLE = "single"
    """Not at all: one answer holds everything."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Everything that a request can depend on.

    ``since`` and ``until`` are already written as the API wants them; None leaves their
    parameters out. ``offset`` counts rows from 0, ``page`` pages. ``cursor`` is None on the first page.
    """

    since: Json = None
    until: Json = None
    offset: int = 0
    size: int = 100
    cursor: str | int | None = None
    page: int = 0
    """Pages before this one."""


class Pager(Protocol):
    """One way of paging: a frozen dataclass of options; stateless; one file under ``poller/pagers``."""

    steering: ClassVar[Steering]
    needs: ClassVar[frozenset[str]]
    """One of these placeholders must stand in the request, or it would bring the first page for ever."""

    @property
    def size(self) -> int:
        """Rows to ask for in one page."""
        ...

    def request(self, template: Template, ask: Ask) -> Request:
        """The request for one page."""
        ...

    def onward(self, document: Any, response: Response, last: Record | None, rows: int) -> Onward:  # noqa: ANN401
        """What the answer says of the next page. ``document`` is the decoded body (any JSON);
        ``last`` the last record on the page, None when none of its ``rows`` could be read.
        Raises ValueError when the answer contradicts itself or its cursor is no text or number.
        """
        ...

    def counted(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        """The API's own count of rows; None when it gives none."""
        ...

    def last_page(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        """How many pages there are, as the API counts them; None when it does not say."""
        ...


def placeholder_values(ask: Ask) -> dict[str, Json]:
    """``ask`` as values for :func:`poller.core.request.render`."""
    return {
        "since": ask.since,
        "until": ask.until,
        "offset": ask.offset,
        "page": ask.page,
        "size": ask.size,
        "cursor": ask.cursor,
        "key": ask.cursor,
    }


def request_at(template: Template, ask: Ask) -> Request:
    """The request for a page whose cursor is its URL, found in the answer to the template's own first one."""
    first = render(template, placeholder_values(replace(ask, cursor=None)))
    if ask.cursor is None:
        return first
    return replace(first, target=str(ask.cursor), params=(), found_under=first.target)


def find(where: Lookup, document: Any, response: Response) -> Any:  # noqa: ANN401 (any JSON value)
    """The value at ``where`` in the body or the headers; None when it is null or absent."""
    if isinstance(where, Header):
        return response.header(where.name)
    return where.find(document)


def cursor_value(value: Any) -> str | int | None:  # noqa: ANN401 (any JSON value)
    """A cursor; None when there is none (null, absent or false). Raises ValueError for what can be none."""
    if value is None or value is False:
        return None
    if isinstance(value, str | int) and value is not True:
        return value
    raise ValueError(f"the next cursor is neither text nor a number: {value!r:.80}")


def count_at(where: Lookup | None, document: Any, response: Response) -> int | None:  # noqa: ANN401
    """A count at ``where``; None when nothing there can be read as one."""
    value = None if where is None else find(where, document, response)
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


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
