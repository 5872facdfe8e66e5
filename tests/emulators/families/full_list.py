"""Family 12, full list, without a filter: in one answer that an ETag names, or by offset in key order."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.emulators.families.call import Call, Shown
from tests.emulators.families.model import Model
from tests.emulators.faults import Reply
from tests.emulators.world import Row


@dataclass(slots=True)
class Countries:
    """The whole list as a bare array, with a weak ETag of its content (RFC 9110 §8.8.3)."""

    settings: ClassVar[str] = "full_list.toml"
    model: Model
    spared: int = field(default=0)
    """How often a client was told 304."""

    def answer(self, call: Call) -> Reply:
        call.only()
        reply = _tagged(call, [_show(row) for row in self.model.rows()])
        self.spared += reply.status == 304
        return reply

    def shown(self) -> Shown:
        return {str(row.id): _show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return set()


@dataclass(frozen=True, slots=True)
class Warehouses:
    """By offset, sorted by id: rows do not move when they change, but slide when others go away.

    Each page has an ETag of its own, which says nothing of the pages behind it.
    """

    settings: ClassVar[str] = "full_list_by_offset.toml"
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only("sort", "offset", "limit")
        call.needs("sort", "id")
        rows = sorted(self.model.rows(), key=lambda row: row.id)
        offset, limit = call.count("offset", 0, least=0), min(call.count("limit", 20), 70)
        return _tagged(call, {"warehouses": [_show(row) for row in rows[offset : offset + limit]]})

    def shown(self) -> Shown:
        return {str(row.id): _show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return set()


def _tagged(call: Call, document: Any) -> Reply:  # noqa: ANN401 (any JSON value)
    """The document with its ETag, or 304 when the client has it."""
    body = json.dumps(document).encode()
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'
    unchanged = call.asked.header("If-None-Match") == tag
    return Reply(status=304 if unchanged else 200, body=b"" if unchanged else body, headers=(("ETag", tag),))


def _show(row: Row) -> dict[str, Any]:
    return {"id": row.id, **row.fields}
