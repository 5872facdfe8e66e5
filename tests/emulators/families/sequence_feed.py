"""Family 9, sequence feed: what happened after an opaque sequence, or after a number in an event log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.emulators.families.call import Call, Misused, Shown
from tests.emulators.families.model import Event, Model
from tests.emulators.faults import Reply
from tests.emulators.world import Row

LATE = 10
"""Seconds after which some events of the log can be read, behind others that have higher numbers."""


@dataclass(frozen=True, slots=True)
class Changes:
    """As CouchDB's ``_changes``: one result per document, its last; ``last_seq`` is text to be sent back."""

    settings: ClassVar[str] = "sequence_feed.toml"
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only("since", "limit", "include_docs")
        call.needs("include_docs", "true")
        since = call.text("since")
        events = self.model.after(0 if since is None else self._number(since))
        page = events[: min(call.count("limit", 1000), 60)]
        last = page[-1].seq if page else self.model.seq
        results = [self._show(event) for event in page]
        return Reply(
            document={"results": results, "last_seq": sequence(last), "pending": len(events) - len(page)}
        )

    def shown(self) -> Shown:
        events = (event for event in self.model.after(0) if not event.deleted)
        return {f'"doc-{event.row.id}"': self._show(event) for event in events}

    def buried(self) -> set[str]:
        return {f'"doc-{number}"' for number in self.model.graves}

    def _number(self, since: str) -> int:
        number = since.partition("-")[0]
        if not number.isdecimal() or since != sequence(int(number)):
            raise Misused(f"{since!r} is no sequence of this database")
        return int(number)

    def _show(self, event: Event) -> dict[str, Any]:
        number, version = f"doc-{event.row.id}", event.row.fields["version"]
        doc: dict[str, Any] = {"_id": number, "_rev": f"{version}-{event.seq:x}"}
        doc |= {"_deleted": True} if event.deleted else event.row.fields
        base = {"seq": sequence(event.seq), "id": number, "changes": [{"rev": doc["_rev"]}], "doc": doc}
        return {**base, "deleted": True} if event.deleted else base


def sequence(number: int) -> str:
    """As a cluster writes it: a number, and what nobody but the server reads."""
    return f"{number}-{hashlib.sha256(str(number).encode()).hexdigest()[:24]}"


@dataclass(frozen=True, slots=True)
class Log:
    """An event log: every version of every entity, in the order of a number that only grows.

    Numbers are taken when a transaction begins: an event may become readable after later numbers.
    """

    settings: ClassVar[str] = "event_log.toml"
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only("after", "limit")
        after, limit = call.count("after", 0, least=0), min(call.count("limit", 100), 80)
        now = self.model.clock.now()
        events = [event for event in self.model.journal[after:] if event.visible_at <= now]
        return Reply(document={"events": [self._show(event) for event in events[:limit]]})

    def shown(self) -> Shown:
        return {str(event.row.id): self._show(event) for event in self.model.after(0) if not event.deleted}

    def buried(self) -> set[str]:
        return {str(number) for number in self.model.graves}

    def _show(self, event: Event) -> dict[str, Any]:
        gone = {"op": "delete", "entity_id": event.row.id, "state": None}
        there = {"op": "upsert", "entity_id": event.row.id, "state": _state(event.row)}
        return {"sequence": event.seq, **(gone if event.deleted else there)}


def _state(row: Row) -> dict[str, Any]:
    return {"id": row.id, **row.fields}
