"""Family 4, cursor with ``has_more``: a cursor is named on the last page too; the flag has the last word."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.emulators.families.call import Call, Shown
from tests.emulators.families.cursors import Cursors
from tests.emulators.families.model import Model
from tests.emulators.families.plain import at, by_position, moment, show
from tests.emulators.faults import Reply
from tests.emulators.world import Row

CAP = 60
EMPTY_EVERY = 5
"""Each n-th page behind a cursor is empty although more follows: the server filters after it cut the page."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """As HubSpot's lists and Notion. An archived contact stays, with ``archived: true`` and a new stamp."""

    settings: ClassVar[str] = "cursor.toml"
    model: Model
    cursors: Cursors = field(default_factory=Cursors)

    def answer(self, call: Call) -> Reply:
        call.only("updated_after", "sort", "archived", "limit", "cursor")
        call.needs("sort", "updated_on")
        call.needs("archived", "any")
        under = call.text("updated_after")
        since, text = moment(under), call.text("cursor")
        behind = (0, 0) if text is None else self.cursors.take(text, under)
        rows = [row for row in self._all() if at(row) >= since and by_position(row) > behind]
        size = min(call.count("limit", 20), CAP)
        size = 0 if text is not None and rows and call.number % EMPTY_EVERY == 0 else size
        page = rows[:size]
        last = by_position(page[-1]) if page else behind
        return Reply(
            document={
                "results": [self._show(row) for row in page],
                "has_more": len(page) < len(rows),
                "next_cursor": self.cursors.give(last, under),
            }
        )

    def shown(self) -> Shown:
        return {str(row.id): self._show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return {str(number) for number in self.model.graves}

    def _all(self) -> list[Row]:
        return sorted([*self.model.rows(), *self.model.graves.values()], key=by_position)

    def _show(self, row: Row) -> dict[str, Any]:
        return show(row, archived=row.id in self.model.graves)
