"""Family 2, page numbers: ``updated_since``, ``page`` from 1, ``per_page``, ``total_pages``; up or down."""

from __future__ import annotations

from dataclasses import dataclass

from tests.emulators.families.call import Call, Shown
from tests.emulators.families.model import Model
from tests.emulators.families.plain import at, by_position, moment, newest_first, show
from tests.emulators.faults import Reply

CAP = 80


@dataclass(frozen=True, slots=True)
class Orders:
    """As WooCommerce, Freshdesk, Harvest. ``direction``: what the settings of the test ask for.

    A page is counted in pages of the size that the server really gives; one behind the last is empty.
    """

    model: Model
    direction: str

    @property
    def settings(self) -> str:
        return "page_numbers.toml" if self.direction == "asc" else "page_numbers_newest_first.toml"

    def answer(self, call: Call) -> Reply:
        call.only("updated_since", "sort", "direction", "page", "per_page")
        call.needs("sort", "updated_on")
        call.needs("direction", self.direction)
        since = moment(call.text("updated_since"))
        order = by_position if self.direction == "asc" else newest_first
        rows = sorted((row for row in self.model.rows() if at(row) >= since), key=order)
        page, size = call.count("page", 1), min(call.count("per_page", 20), CAP)
        shown = [show(row) for row in rows[(page - 1) * size : page * size]]
        return Reply(
            document={
                "orders": shown,
                "page": page,
                "per_page": size,
                "total_pages": -(-len(rows) // size),
                "total_entries": len(rows),
            }
        )

    def shown(self) -> Shown:
        return {str(row.id): show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return set()
