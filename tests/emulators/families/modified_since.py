"""Family 11, since in a header: 304 when nothing changed, else everything; or what changed, page by page."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.emulators.families.call import Call, Misused, Shown
from tests.emulators.families.model import Model
from tests.emulators.families.plain import at, by_position, moment, show
from tests.emulators.faults import Reply, http_date
from tests.emulators.stamps import SECOND, Stamp
from tests.emulators.world import Row


@dataclass(frozen=True, slots=True)
class Rates:
    """A list that is either unchanged since the date (RFC 9110 §13.1.3), or sent as a whole.

    ``Last-Modified`` is the second in which it last changed. Rows that are gone are not in it.
    """

    settings: ClassVar[str] = "modified_since.toml"
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only()
        changed = max((at(event.row) for event in self.model.journal), default=0) // SECOND
        modified = (("Last-Modified", http_date(changed)),)
        since = call.asked.header("If-Modified-Since")
        if since is not None and changed <= _http_seconds(since):
            return Reply(status=304, body=b"", headers=modified)
        return Reply(document={"rates": [show(row) for row in self.model.rows()]}, headers=modified)

    def shown(self) -> Shown:
        return {str(row.id): show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return set()


@dataclass(frozen=True, slots=True)
class Invoices:
    """As Xero: the header filters, pages have numbers from 1, archived rows are shown when asked for."""

    settings: ClassVar[str] = "modified_since_pages.toml"
    stamp: ClassVar[Stamp] = Stamp(style="naive")
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only("page", "pageSize", "order", "includeArchived")
        call.needs("order", "UpdatedDateUTC ASC")
        call.needs("includeArchived", "true")
        since = moment(call.asked.header("If-Modified-Since"), self.stamp)
        all_rows = [*self.model.rows(), *self.model.graves.values()]
        rows = sorted((row for row in all_rows if at(row) >= since), key=by_position)
        page, size = call.count("page", 1), min(call.count("pageSize", 100), 100)
        shown = [self._show(row) for row in rows[(page - 1) * size : page * size]]
        return Reply(document={"Status": "OK", "Invoices": shown})

    def shown(self) -> Shown:
        return {f'"inv-{row.id}"': self._show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return {f'"inv-{number}"' for number in self.model.graves}

    def _show(self, row: Row) -> dict[str, Any]:
        status = "ARCHIVED" if row.id in self.model.graves else "ACTIVE"
        stamp = self.stamp.write(at(row))
        return {"InvoiceID": f"inv-{row.id}", "Status": status, "UpdatedDateUTC": stamp, **row.fields}


def _http_seconds(text: str) -> int:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        moment = None
    if moment is None or http_date(round(moment.timestamp())) != text:
        raise Misused(f"If-Modified-Since is {text!r}, and must be an HTTP date")
    return round(moment.timestamp())
