"""By position: the next since is the position of the last record, until nothing lies beyond it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from poller.core.page import Ending, Onward, Record, Response
from poller.core.paging import Ask, Steering, placeholder_values
from poller.core.request import Request, Template, render


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyset:
    """Only ``{since}`` moves. More records with one position than a page holds cannot be passed."""

    steering: ClassVar[Steering] = Steering.POSITION
    needs: ClassVar[frozenset[str]] = frozenset({"since"})

    size: int = field(default=100, metadata={"doc": "rows to ask for in one page"})

    def request(self, template: Template, ask: Ask) -> Request:
        return render(template, placeholder_values(ask))

    def onward(self, document: Any, response: Response, last: Record | None, rows: int) -> Onward:  # noqa: ANN401
        return Ending.UNSAID

    def counted(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return None

    def last_page(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return None
