"""Family 3, Link header: the body is the bare list, RFC 8288 links lead on, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlencode

from tests.emulators.families.call import Call, Shown
from tests.emulators.families.model import Model
from tests.emulators.families.plain import at, moment, newest_first, show
from tests.emulators.faults import Reply


@dataclass(frozen=True, slots=True)
class Issues:
    """As GitHub. A link is a page number in disguise: rows slide past it, in both directions."""

    settings: ClassVar[str] = "link_header.toml"
    path: ClassVar[str] = "/repos/acme/app/issues"
    model: Model

    def answer(self, call: Call) -> Reply:
        call.only("state", "since", "sort", "direction", "per_page", "page")
        call.needs("state", "all")
        call.needs("sort", "updated")
        call.needs("direction", "desc")
        since = moment(call.text("since"))
        rows = sorted((row for row in self.model.rows() if at(row) >= since), key=newest_first)
        page, size = call.count("page", 1), min(call.count("per_page", 30), 100)
        shown = [
            show(row, state="open" if row.id % 3 else "closed")
            for row in rows[(page - 1) * size : page * size]
        ]
        pages = max(1, -(-len(rows) // size))
        return Reply(document=shown, headers=tuple(self._links(call, page, pages)))

    def shown(self) -> Shown:
        return {
            str(row.id): show(row, state="open" if row.id % 3 else "closed") for row in self.model.newest()
        }

    def buried(self) -> set[str]:
        return set()

    def _links(self, call: Call, page: int, pages: int) -> Iterator[tuple[str, str]]:
        """Two fields, as RFC 9110 §5.3 allows; a title with a comma and a semicolon; a set of relations."""
        if page > 1:
            first, before = self._url(call, 1), self._url(call, page - 1)
            yield (
                "Link",
                f'<{first}>; rel="first"; title="first, not next; really", <{before}>; rel=prev',
            )
        if page < pages:
            last = " last" if page + 1 == pages else ""
            yield "Link", f'<{self._url(call, page + 1)}>; rel="next{last}"; title="rows, and more"'

    def _url(self, call: Call, page: int) -> str:
        kept = {name: value for name, value in call.asked.query if name != "page"}
        return f"{call.origin}{self.path}?{urlencode({**kept, 'page': page})}"
