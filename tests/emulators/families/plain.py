"""Family 1, plain since: ``updated_on>=T``, once with limit and offset, once everything in one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.emulators.families.call import Call, Misused, Refused, Shown
from tests.emulators.families.model import Model
from tests.emulators.faults import Reply
from tests.emulators.stamps import Stamp
from tests.emulators.world import Row

STAMP = Stamp()
CAP = 70
"""Rows in a page, whatever was asked: the server does not say that it caps."""


@dataclass(frozen=True, slots=True)
class Issues:
    """As Redmine: sorted by what changed last, offset and limit. Deleted issues are just gone."""

    settings: ClassVar[str] = "plain_since.toml"
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only("updated_on", "sort", "status_id", "offset", "limit")
        call.needs("sort", "updated_on,id")
        call.needs("status_id", "*")
        since = moment_behind(call.text("updated_on"), ">=")
        rows = sorted((row for row in self.model.rows() if at(row) >= since), key=by_position)
        offset, limit = call.count("offset", 0, least=0), min(call.count("limit", 25), CAP)
        page = [show(row) for row in rows[offset : offset + limit]]
        return Reply(document={"issues": page, "total_count": len(rows), "offset": offset, "limit": limit})

    def shown(self) -> Shown:
        return {str(row.id): show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return set()


@dataclass(frozen=True, slots=True)
class Tickets:
    """As many an in-house API: whatever changed at or after ``changed_since``, in one answer, in no order."""

    settings: ClassVar[str] = "plain_since_one_answer.toml"
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only("changed_since")
        since = moment(call.text("changed_since"))
        rows = [show(row) for row in self.model.rows() if at(row) >= since]
        self.model.dice.shuffle(rows)
        return Reply(document={"tickets": rows})

    def shown(self) -> Shown:
        return {str(row.id): show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return set()


def show(row: Row, **more: Any) -> dict[str, Any]:  # noqa: ANN401 (any field)
    """A row with its id and ``updated_on``."""
    return {"id": row.id, "updated_on": STAMP.write(at(row)), **row.fields, **more}


def at(row: Row) -> int:
    """When the row last changed; every row of a family has such a moment."""
    assert row.at is not None
    return row.at


def by_position(row: Row) -> tuple[int, int]:
    """Sorts by when a row changed, then by id."""
    return at(row), row.id


def newest_first(row: Row) -> tuple[int, int]:
    """The same, upside down."""
    return -at(row), -row.id


def moment(text: object, stamp: Stamp = STAMP) -> int:
    """Nanoseconds that a parameter names; 0 when it is absent. Misused when it names none."""
    found = 0 if text is None else stamp.read(text)
    if found is None:
        raise Misused(f"{text!r} is no timestamp")
    return found


def moment_behind(text: str | None, operator: str) -> int:
    """The moment behind ``operator``; 0 when the parameter is absent."""
    if text is not None and not text.startswith(operator):
        raise Misused(f"{text!r} does not begin with {operator}")
    return moment(None if text is None else text.removeprefix(operator))


def at_most(limit: int, most: int) -> int:
    """``limit``, unless it is more than the API allows: it says so then, as its documentation does."""
    if limit > most:
        raise Refused(400, f"limit must not be more than {most}")
    return limit


def keyed(rows: Mapping[str, Any]) -> Shown:
    """Rows by their key as JSON text."""
    return {f'"{key}"': row for key, row in rows.items()}
