"""By the API's own name for the next page, or by the key of the last record."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

from poller.core.page import Cursor as NextPage
from poller.core.page import Ending, Onward, Record, Response
from poller.core.paging import Ask, Steering, count_at, cursor_value, find, placeholder_values
from poller.core.path import Lookup
from poller.core.request import Request, Template, render


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """``{cursor}`` is left out of the first request. ``next`` or ``from_key`` names the next page.

    With ``more``, the API's flag has the last word: false ends the scan, true without a
    cursor is a contradiction. Without it, no cursor is the end; under ``from_key`` an empty
    page is.
    """

    steering: ClassVar[Steering] = Steering.CURSOR
    needs: ClassVar[frozenset[str]] = frozenset({"cursor", "key"})

    size: int = field(default=100, metadata={"doc": "rows to ask for in one page"})
    next: Lookup | None = field(default=None, metadata={"doc": "where the answer names the next page"})
    more: Lookup | None = field(
        default=None, metadata={"doc": "where the answer says whether there are more"}
    )
    from_key: bool = field(default=False, metadata={"doc": "the cursor is the key of the last record"})
    total: Lookup | None = field(
        default=None, metadata={"doc": "where the answer counts all rows; a hint only"}
    )

    def __post_init__(self) -> None:
        if self.from_key == (self.next is not None):
            raise ValueError('a cursor needs either next = "where the next cursor stands" or from_key = true')

    def request(self, template: Template, ask: Ask) -> Request:
        return render(template, placeholder_values(ask))

    def onward(self, document: Any, response: Response, last: Record | None, rows: int) -> Onward:  # noqa: ANN401
        following = self._following(document, response, last, rows)
        if self.more is None:
            return following
        more = find(self.more, document, response)
        if more is None or more is False or more in (0, "false", "0", ""):
            return Ending.LAST
        if isinstance(following, Ending):
            raise ValueError("the answer says that there are more pages, and names none")  # noqa: TRY004
        return following

    def counted(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return count_at(self.total, document, response)

    def last_page(self, document: Any, response: Response) -> int | None:  # noqa: ANN401
        return None

    def _following(self, document: Any, response: Response, last: Record | None, rows: int) -> Onward:  # noqa: ANN401
        if self.next is not None:
            value = cursor_value(find(self.next, document, response))
            return Ending.LAST if value is None else NextPage(value)
        if last is None and rows > 0:
            raise ValueError(f"none of the {rows} records on the page has a key to go on from")
        if last is None:
            return Ending.LAST
        key = cursor_value(json.loads(last.key))
        return Ending.LAST if key is None else NextPage(key)
