"""Family 5, ``starting_after``: the cursor is the last row's key; newest row, or newest change, first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tests.emulators.families.call import Call, Refused, Shown
from tests.emulators.families.model import Model
from tests.emulators.families.plain import at, at_most, newest_first
from tests.emulators.faults import Reply
from tests.emulators.stamps import SECOND
from tests.emulators.world import Row


@dataclass(frozen=True, slots=True)
class Customers:
    """As Stripe: ordered by creation, so that rows keep their place when they change; no filter by change.

    A deleted customer keeps its place too, as ``{"id": …, "deleted": true}`` and nothing else.
    """

    settings: ClassVar[str] = "starting_after.toml"
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only("starting_after", "limit")
        rows = sorted([*self.model.rows(), *self.model.graves.values()], key=lambda row: -row.born)
        behind = call.text("starting_after")
        names = [name(row) for row in rows]
        if behind is not None and behind not in names:
            raise Refused(400, f"No such customer: {behind}")
        begin = 0 if behind is None else names.index(behind) + 1
        size = at_most(call.count("limit", 10), 100)
        page = [self._show(row) for row in rows[begin : begin + size]]
        more = begin + size < len(rows)
        return Reply(document={"object": "list", "url": "/v1/customers", "has_more": more, "data": page})

    def shown(self) -> Shown:
        return {f'"{name(row)}"': self._show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return {f'"{name(row)}"' for row in self.model.graves.values()}

    def _show(self, row: Row) -> dict[str, Any]:
        base = {"id": name(row), "object": "customer"}
        if row.id in self.model.graves:
            return {**base, "deleted": True}
        return {**base, "created": row.born + 1_700_000_000, "touched": (row.at or 0) // SECOND, **row.fields}


@dataclass(frozen=True, slots=True)
class Orders:
    """The same with a filter and a sort by change: a row that changes jumps to the front, as a cursor too.

    Deleted orders stay for good, with all their fields, ``deleted: true`` and the time of the deletion.
    """

    settings: ClassVar[str] = "starting_after_newest_change.toml"
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only("starting_after", "limit", "updated[gte]", "expand")
        call.needs("expand", "deleted")
        since = call.count("updated[gte]", 0, least=0, most=10**11) * SECOND
        rows = sorted([*self.model.rows(), *self.model.graves.values()], key=newest_first)
        behind = call.text("starting_after")
        begin = 0
        if behind is not None:
            if not any(name(row) == behind for row in rows):
                raise Refused(400, f"No such order: {behind}")
            begin = next(turn for turn, row in enumerate(rows, start=1) if name(row) == behind)
        wanted = [row for row in rows[begin:] if at(row) >= since]
        size = at_most(call.count("limit", 10), 100)
        page = [self._show(row) for row in wanted[:size]]
        return Reply(document={"object": "list", "has_more": size < len(wanted), "data": page})

    def shown(self) -> Shown:
        return {f'"{name(row)}"': self._show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return {f'"{name(row)}"' for row in self.model.graves.values()}

    def _show(self, row: Row) -> dict[str, Any]:
        base = {"id": name(row), "object": "order", "updated": at(row) // SECOND, **row.fields}
        return {**base, "deleted": True} if row.id in self.model.graves else base


def name(row: Row) -> str:
    """The key; its text does not sort as the rows do."""
    return f"cus_{row.id * 7919 % 9973:04d}{row.id}"
