"""Family 10, search by POST: since, sort and page stand in a JSON body; by offset, or by a cursor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tests.emulators.families.call import Call, Misused, Refused, Shown, whole
from tests.emulators.families.model import Model
from tests.emulators.families.plain import at, at_most, by_position, moment, show
from tests.emulators.faults import Reply
from tests.emulators.stamps import MILLISECOND, Stamp
from tests.emulators.world import Row

DEEPEST = 10_000
"""Rows behind which both refuse to page: only a moving since gets past them."""


@dataclass(frozen=True, slots=True)
class Orders:
    """As Elasticsearch: ``from`` and ``size``, a range, two sort keys; a record is a hit's ``_source``."""

    settings: ClassVar[str] = "search_by_offset.toml"
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only(method="POST")
        body = call.body
        if set(body) != {"query", "sort", "from", "size"}:
            raise Misused(f"the body has {sorted(body)}")
        if body["sort"] != [{"updated_on": "asc"}, {"id": "asc"}]:
            raise Misused(f"sort is {body['sort']}")
        since = moment(_only(_only(_only(body["query"], "range"), "updated_on"), "gte", default=None))
        begin, size = _number(body, "from"), _number(body, "size")
        if begin + size > DEEPEST:
            raise Refused(400, "Result window is too large")
        rows = sorted((row for row in self.model.rows() if at(row) >= since), key=by_position)
        hits = [{"_id": str(row.id), "_source": show(row)} for row in rows[begin : begin + size]]
        return Reply(
            document={"took": 3, "hits": {"total": {"value": len(rows), "relation": "eq"}, "hits": hits}}
        )

    def shown(self) -> Shown:
        return {str(row.id): show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return set()


@dataclass(frozen=True, slots=True)
class Contacts:
    """As HubSpot's search: filter groups, milliseconds since 1970; ``paging.next.after`` is a row number."""

    settings: ClassVar[str] = "search_by_cursor.toml"
    stamp: ClassVar[Stamp] = Stamp(digits=3)
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only(method="POST")
        body = call.body
        if set(body) - {"filterGroups", "sorts", "limit", "after"}:
            raise Misused(f"the body has {sorted(body)}")
        if body["sorts"] != [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}]:
            raise Misused(f"sorts is {body['sorts']}")
        since = self._since(body["filterGroups"])
        begin, size = whole("after", body.get("after", 0)), at_most(_number(body, "limit"), 200)
        if begin >= DEEPEST:
            raise Refused(400, "Paging beyond 10,000 results is not supported")
        rows = sorted((row for row in self.model.rows() if at(row) >= since), key=by_position)
        end = begin + size
        document: dict[str, Any] = {
            "total": len(rows),
            "results": [self._show(row) for row in rows[begin:end]],
        }
        if end < len(rows):
            document["paging"] = {"next": {"after": str(end), "link": "?after=…"}}
        return Reply(document=document)

    def shown(self) -> Shown:
        return {f'"{row.id}"': self._show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return set()

    def _since(self, groups: Any) -> int:  # noqa: ANN401 (any JSON value)
        if groups == []:
            return 0
        match groups:
            case [
                {"filters": [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": int(value)}]}
            ]:
                return value * MILLISECOND
        raise Misused(f"filterGroups is {groups}")

    def _show(self, row: Row) -> dict[str, Any]:
        shown = str(self.stamp.write(at(row)))
        properties = {"lastmodifieddate": shown, **row.fields}
        return {"id": str(row.id), "properties": properties, "updatedAt": shown, "archived": False}


def _only(body: Any, name: str, default: Any = ...) -> Any:  # noqa: ANN401 (any JSON value)
    """The one member of an object. Misused when there are others, or none and no default."""
    if not isinstance(body, dict) or set(body) - {name} or (name not in body and default is ...):
        raise Misused(f"{body!r} should be an object with {name}")
    return body.get(name, default)


def _number(body: dict[str, Any], name: str) -> int:
    """A number as JSON has it: text is refused."""
    if not isinstance(body.get(name), int):
        raise Misused(f"{name} is {body.get(name)!r}, and must be a number")
    return whole(name, body[name])
