"""Pages by number: the next page is the next number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from poller.core.page import Ending, Onward, Record, Response
from poller.core.paging import Ask, Steering, count_at, placeholder_values
from poller.core.path import Lookup
from poller.core.request import Request, Template, render


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNumber:
    """``{page}`` counts from ``first``. The end is the last page by the API's count, else an empty one."""

    steering: ClassVar[Steering] = Steering.PAGE
    needs: ClassVar[frozenset[str]] = frozenset({"page"})

    first: int = field(default=1, metadata={"doc": "number of the first page", "least": 0})
    size: int = field(default=100, metadata={"doc": "rows to ask for in one page"})
    pages: Lookup | None = field(
        default=None, metadata={"doc": "where the answer says how many pages there are"}
    )
    total: Lookup | None = field(
        default=None, metadata={"doc": "where the answer says how many rows there are"}
    )

    def request(self, template: Template, ask: Ask) -> Request:
        return render(template, {**placeholder_values(ask), "page": self.first + ask.page})

    def onward(self, document: Any, response: Response, last: Record | None, rows: int) -> Onward:  # noqa: ANN401
        return Ending.UNSAID

    def counted(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return count_at(self.total, document, response)

    def last_page(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return count_at(self.pages, document, response)
