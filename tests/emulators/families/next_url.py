"""Family 6, next URL in the body: an absolute one that hides a page number, a relative one to a result."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlencode

from tests.emulators.families.call import Call, Misused, Shown
from tests.emulators.families.cursors import Cursors
from tests.emulators.families.model import Model
from tests.emulators.families.plain import at, by_position, moment, show
from tests.emulators.faults import Reply
from tests.emulators.stamps import Stamp
from tests.emulators.world import Row


@dataclass(frozen=True, slots=True)
class Articles:
    """As Django REST framework: ``next`` is a full URL with ``page=2``, null on the last page."""

    settings: ClassVar[str] = "next_url_absolute.toml"
    path: ClassVar[str] = "/api/articles/"
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only("updated_after", "ordering", "page_size", "page")
        call.needs("ordering", "updated_on,id")
        since = moment(call.text("updated_after"))
        rows = sorted((row for row in self.model.rows() if at(row) >= since), key=by_position)
        page, size = call.count("page", 1), min(call.count("page_size", 20), 75)
        end = page * size
        return Reply(
            document={
                "count": len(rows),
                "next": self._url(call, page + 1) if end < len(rows) else None,
                "previous": self._url(call, page - 1) if page > 1 else None,
                "results": [show(row) for row in rows[end - size : end]],
            }
        )

    def shown(self) -> Shown:
        return {str(row.id): show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return set()

    def _url(self, call: Call, page: int) -> str:
        kept = {name: value for name, value in call.asked.query if name != "page"}
        return f"{call.origin}{self.path}?{urlencode({**kept, 'page': page})}"


@dataclass(frozen=True, slots=True)
class Accounts:
    """As Salesforce: a query, and ``nextRecordsUrl``, a path to the rest of a result that is kept as it was.

    ``queryAll`` shows deleted rows with ``IsDeleted``. Offsets are written ``+0000``, without a colon.
    """

    settings: ClassVar[str] = "next_url_relative.toml"
    base: ClassVar[str] = "/services/data/v60.0"
    stamp: ClassVar[Stamp] = Stamp(digits=3)
    model: Model
    locators: Cursors = field(default_factory=lambda: Cursors(prefix="01g", status=404))

    def answer(self, call: Call) -> Reply:
        wanted = re.fullmatch(r"batchSize=(\d+)", call.asked.header("Sforce-Query-Options") or "")
        if wanted is None:
            raise Misused("the header Sforce-Query-Options is missing")
        size, begin = min(int(wanted[1]), 90), 0
        if call.asked.path == f"{self.base}/queryAll":
            call.only("q")
            found = self._found(call.needs("q"))
        else:
            call.only()
            locator, _, offset = call.asked.path.removeprefix(f"{self.base}/query/").rpartition("-")
            found, begin = self.locators.take(locator, None), int(offset)
        end = begin + size
        document: dict[str, Any] = {
            "totalSize": len(found),
            "done": end >= len(found),
            "records": found[begin:end],
        }
        if end < len(found):
            document["nextRecordsUrl"] = f"{self.base}/query/{self.locators.give(found, None)}-{end}"
        return Reply(document=document)

    def shown(self) -> Shown:
        return {f'"001{row.id:012d}"': self._show(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return {f'"001{number:012d}"' for number in self.model.graves}

    def _found(self, query: str) -> list[dict[str, Any]]:
        asked = re.fullmatch(
            r"SELECT FIELDS\(ALL\) FROM Account WHERE SystemModstamp >= (\S+) ORDER BY SystemModstamp, Id",
            query,
        )
        if asked is None:
            raise Misused(f"malformed query: {query}")
        since = moment(asked[1])
        rows = sorted([*self.model.rows(), *self.model.graves.values()], key=by_position)
        return [self._show(row) for row in rows if at(row) >= since]

    def _show(self, row: Row) -> dict[str, Any]:
        number = f"001{row.id:012d}"
        return {
            "attributes": {"type": "Account", "url": f"{self.base}/sobjects/Account/{number}"},
            "Id": number,
            "IsDeleted": row.id in self.model.graves,
            "SystemModstamp": str(self.stamp.write(at(row))).replace("Z", "+0000"),
            **{field.title(): value for field, value in row.fields.items()},
        }
