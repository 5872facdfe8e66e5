"""By a URL in the answer: full or relative, it is the whole next request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from poller.core.page import Cursor, Ending, Onward, Record, Response
from poller.core.paging import Ask, Steering, count_at, cursor_value, find, request_at
from poller.core.path import Lookup
from poller.core.request import Request, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class NextUrl:
    """The first request is the template's; the others are the URLs that the API gives.

    Headers and body of the template go with every page. A URL on another origin is refused
    before anything is sent.
    """

    steering: ClassVar[Steering] = Steering.CURSOR
    needs: ClassVar[frozenset[str]] = frozenset()

    next: Lookup = field(metadata={"doc": "where the answer gives the URL of the next page"})
    size: int = field(default=100, metadata={"doc": "rows to ask for in one page"})
    total: Lookup | None = field(
        default=None, metadata={"doc": "where the answer counts all rows; a hint only"}
    )

    def request(self, template: Template, ask: Ask) -> Request:
        return request_at(template, ask)

    def onward(self, document: Any, response: Response, last: Record | None, rows: int) -> Onward:  # noqa: ANN401
        url = cursor_value(find(self.next, document, response))
        return Ending.LAST if url is None or url == "" else Cursor(url)

    def counted(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return count_at(self.total, document, response)

    def last_page(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return None
