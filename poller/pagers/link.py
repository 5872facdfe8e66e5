"""By the Link header: the target of rel="next" is the whole next request (RFC 8288)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from poller.core.links import links
from poller.core.page import Cursor, Ending, Onward, Record, Response
from poller.core.paging import Ask, Steering, count_at, request_at
from poller.core.path import Lookup
from poller.core.request import Request, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkHeader:
    """The first request is the template's; the others are the targets of ``rel="next"``, full or relative.

    Headers and body of the template go with every page. A target on another origin is refused
    before anything is sent.
    """

    steering: ClassVar[Steering] = Steering.CURSOR
    needs: ClassVar[frozenset[str]] = frozenset()

    size: int = field(default=100, metadata={"doc": "rows to ask for in one page"})
    total: Lookup | None = field(
        default=None, metadata={"doc": "where the answer counts all rows; a hint only"}
    )

    def request(self, template: Template, ask: Ask) -> Request:
        return request_at(template, ask)

    def onward(self, document: Any, response: Response, last: Record | None, rows: int) -> Onward:  # noqa: ANN401
        for link in links(response):
            if "next" in link.relations:
                return Cursor(link.target)
        return Ending.LAST

    def counted(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return count_at(self.total, document, response)

    def last_page(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return None
