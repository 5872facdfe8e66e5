"""Rows by number: the next page starts after the rows received so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from poller.core.page import Ending, Onward, Record, Response
from poller.core.paging import Ask, Steering, count_at, placeholder_values
from poller.core.path import Lookup
from poller.core.request import Request, Template, render


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """``{offset}`` counts rows from 0. An empty page is the end; a short page never is."""

    steering: ClassVar[Steering] = Steering.OFFSET
    needs: ClassVar[frozenset[str]] = frozenset({"offset"})

    size: int = field(default=100, metadata={"doc": "rows to ask for in one page"})
    total: Lookup | None = field(
        default=None, metadata={"doc": "where the answer counts all rows; a hint only"}
    )

    def request(self, template: Template, ask: Ask) -> Request:
        return render(template, placeholder_values(ask))

    def onward(self, document: Any, response: Response, last: Record | None, rows: int) -> Onward:  # noqa: ANN401
        return Ending.UNSAID

    def counted(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return count_at(self.total, document, response)

    def last_page(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return None
