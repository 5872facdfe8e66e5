"""Two endpoints of one API: items, where deleted ones are just gone, and a feed that names the deleted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.emulators.families.call import Call, Misused, Shown
from tests.emulators.families.model import Event, Model
from tests.emulators.families.plain import STAMP, at, by_position, moment, show
from tests.emulators.faults import Reply
from tests.emulators.stamps import SECOND
from tests.emulators.world import Row


@dataclass(slots=True)
class Items:
    """``/v1/items`` and ``/v1/deleted_items``, both by ``since``, offset and limit, oldest change first.

    ``lag``: seconds by which the items' replica is behind. The feed keeps every deletion, also of an
    item that was created again under its old id.
    """

    settings: ClassVar[str] = "deletion_feed.toml"
    model: Model
    lag: float = field(default=0.0)

    def answer(self, call: Call) -> Reply:
        call.only("since", "sort", "offset", "limit")
        since = moment(call.text("since"))
        offset, limit = call.count("offset", 0, least=0), min(call.count("limit", 20), 70)
        if call.asked.path == "/v1/items":
            call.needs("sort", "updated_on,id")
            rows = sorted((row for row in self._rows() if at(row) >= since), key=by_position)
            return Reply(document={"items": [show(row) for row in rows[offset : offset + limit]]})
        if call.asked.path != "/v1/deleted_items":
            raise Misused("no such endpoint")
        call.needs("sort", "deleted_at,id")
        gone = [event for event in self.model.journal if event.deleted and at(event.row) >= since]
        return Reply(document={"deletions": [_deletion(event) for event in gone[offset : offset + limit]]})

    def shown(self) -> Shown:
        return {str(row.id): show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return {str(number) for number in self.model.graves}

    def _rows(self) -> list[Row]:
        """The living, as the replica knows them."""
        if self.lag == 0:
            return self.model.rows()
        moment = self.model.clock.now() - round(self.lag * SECOND)
        newest = {event.row.id: event for event in self.model.journal if event.visible_at <= moment}
        return [event.row for event in newest.values() if not event.deleted]


def _deletion(event: Event) -> dict[str, Any]:
    return {"id": event.seq, "item_id": event.row.id, "deleted_at": STAMP.write(at(event.row))}
