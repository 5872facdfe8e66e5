"""No pages: one answer holds everything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from poller.core.page import Ending, Onward, Record, Response
from poller.core.paging import Ask, Steering, placeholder_values
from poller.core.request import Request, Template, render


@dataclass(frozen=True, slots=True, kw_only=True)
class SinglePage:
    """One request, one answer. An API that cuts its answers silently needs another way of paging."""

    steering: ClassVar[Steering] = Steering.SINGLE
    needs: ClassVar[frozenset[str]] = frozenset()

    size: int = field(default=100, metadata={"doc": "what {size} says, where the API wants a limit"})

    def request(self, template: Template, ask: Ask) -> Request:
        return render(template, placeholder_values(ask))

    def onward(self, document: Any, response: Response, last: Record | None, rows: int) -> Onward:  # noqa: ANN401
        return Ending.LAST

    def counted(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return None

    def last_page(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return 1
