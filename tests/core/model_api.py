"""A paged API as values: rows that move between any two answers, and every way of paging over them."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from poller.core.page import Response
from poller.core.position import NUMBERS, SECOND, TimeFormat, parse, to_datetime, write
from poller.core.request import Request

BEGIN = 1_790_000_000 * SECOND


@dataclass
class Row:
    """``at`` None: the API shows null, and drops the row where it filters."""

    id: int
    version: int
    at: int | None


@dataclass
class ModelApi:
    """The truth, and how it is shown.

    ``sort``: asc, desc, key, insertion, shuffled. ``ties``: stable (by id) or shuffled.
    ``paging``: offset, page, keyset_cursor, offset_cursor, after_key, next_url, link, none.
    ``counts``: what a page tells beside its rows: nothing, pages or total.
    ``kind``: timestamp, or integer: each change gets the next number of a sequence.
    ``compare``: closed, open, truncated_open (whole seconds with >), ignored.
    """

    sort: str = "asc"
    ties: str = "stable"
    paging: str = "offset"
    compare: str = "closed"
    nulls: str = "last"
    cap: int = 1_000_000
    digits: int = 0
    random_lengths: bool = False
    dated: bool = True
    counts: str = ""
    kind: str = "timestamp"
    ignores_offset: bool = False
    without_key: set[int] = field(default_factory=set)
    spoilt: set[int] = field(default_factory=set)
    """Rows that break off the answer in which they stand."""
    seed: int = 1
    before_answer: Callable[[ModelApi], None] = lambda _api: None

    rows: dict[int, Row] = field(default_factory=dict)
    now: int = BEGIN
    answers: int = 0
    dead_cursors: bool = False
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.how = TimeFormat("integer" if self.kind == "integer" else "rfc3339")
        self.sequence = 0

    # --- the world moves --------------------------------------------------------------

    def tick(self, nanoseconds: int = SECOND // 7) -> None:
        self.now += nanoseconds

    def insert(self, at: int | str | None = "now") -> int:
        number = max(self.rows, default=0) + 1
        self.rows[number] = Row(number, 1, self._stamp() if at == "now" else at)  # type: ignore[arg-type]
        return number

    def update(self, number: int) -> None:
        row = self.rows[number]
        self.rows[number] = Row(number, row.version + 1, self._stamp())

    def delete(self, number: int) -> None:
        del self.rows[number]

    def _stamp(self) -> int:
        if self.kind == "integer":
            self.sequence += 1
            return NUMBERS + self.sequence
        unit = int(10 ** (9 - self.digits))
        return self.now - self.now % unit

    def truth(self) -> dict[str, int]:
        return {str(row.id): row.version for row in self.rows.values()}

    # --- the API answers ---------------------------------------------------------------

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        self.tick()
        self.before_answer(self)
        self.answers += 1
        params = self._params(request)
        if "cursor" in params and self.dead_cursors:
            self.dead_cursors = False
            return self._response(410, b"gone")
        if self.paging == "after_key" and int(params.get("cursor", "0")) not in {0, *self.rows}:
            return self._response(404, b"no such row")
        page = self._page(params)
        link = page.pop("link", None)
        broken = any(row.get("id") in self.spoilt for row in page["rows"])
        whole = self._response(200, json.dumps(page).encode()[: 40 if broken else None])
        return whole if link is None else replace(whole, headers=(*whole.headers, ("link", link)))

    def _params(self, request: Request) -> dict[str, str]:
        if "?" in request.target:
            return dict(part.split("=", 1) for part in request.target.split("?", 1)[1].split("&"))
        return dict(request.params)

    def _response(self, status: int, body: bytes) -> Response:
        second = self.now - self.now % SECOND
        return Response(
            status=status,
            headers=(("content-type", "application/json"),),
            body=body,
            requested_at=datetime.fromtimestamp(self.now / SECOND, UTC),
            date=second if self.dated else None,
        )

    def _page(self, params: dict[str, str]) -> dict[str, Any]:
        listing = self._listing(params.get("since"))
        length = min(int(params["limit"]), self.cap)
        if self.random_lengths:
            length = self.rng.randint(1, length)
        begin = self._begin(listing, params)
        rows = listing[begin : begin + length]
        page: dict[str, Any] = {"rows": [self._shown(row) for row in rows]}
        more = begin + length < len(listing)
        if self.counts:
            size = min(int(params["limit"]), self.cap)
            page[self.counts] = len(listing) if self.counts == "total" else -(-len(listing) // size)
        if self.paging in ("keyset_cursor", "offset_cursor", "next_url", "link"):
            cursor = self._cursor(rows, begin + length) if more else None
            page["next"] = cursor
            if self.paging in ("next_url", "link") and cursor is not None:
                since = f"&since={params['since']}" if "since" in params else ""
                page["next"] = f"/rows?limit={params['limit']}&cursor={cursor}{since}"
            if self.paging == "link":
                following = page.pop("next")
                page["link"] = "" if following is None else f'<{following}>; rel="next"'
        if self.paging == "after_key":
            page["has_more"] = more
        return page

    def _begin(self, listing: list[Row], params: dict[str, str]) -> int:
        if self.paging == "offset":
            return 0 if self.ignores_offset else int(params["offset"])
        if self.paging == "page":
            numbered = (int(params["page"]) - 1) * min(int(params["limit"]), self.cap)
            return 0 if self.ignores_offset else numbered
        cursor = params.get("cursor")
        if cursor is None:
            return 0
        if self.paging == "offset_cursor":
            return int(base64.urlsafe_b64decode(cursor))
        if self.paging == "after_key":
            return next(i for i, row in enumerate(listing) if row.id == int(cursor)) + 1
        place = tuple(json.loads(base64.urlsafe_b64decode(cursor)))
        return next((i for i, row in enumerate(listing) if self._place(row) > place), len(listing))

    def _cursor(self, rows: list[Row], end: int) -> str:
        if self.paging == "offset_cursor":
            return base64.urlsafe_b64encode(str(end).encode()).decode()
        return base64.urlsafe_b64encode(json.dumps(self._place(rows[-1])).encode()).decode()

    def _place(self, row: Row) -> tuple[int, int, int]:
        null = (1 if self.nulls == "last" else -1) if row.at is None else 0
        at = row.at or 0
        if self.sort == "desc":
            return (null, -at, -row.id)
        if self.sort == "key":
            return (0, 0, row.id)
        return (null, at, row.id)

    def _listing(self, since: str | None) -> list[Row]:
        rows = [row for row in self.rows.values() if self._passes(row, since)]
        if self.sort == "insertion":
            return rows
        if self.sort == "shuffled":
            self.rng.shuffle(rows)
            return rows
        if self.ties == "shuffled":
            self.rng.shuffle(rows)
            return sorted(rows, key=lambda row: self._place(row)[:2])
        return sorted(rows, key=self._place)

    def _passes(self, row: Row, since: str | None) -> bool:
        if since is None or self.compare == "ignored":
            return True
        if row.at is None:
            return False
        asked = parse(since, self.how)
        assert asked is not None
        if self.compare == "truncated_open":
            return row.at // SECOND > asked // SECOND
        return row.at > asked if self.compare == "open" else row.at >= asked

    def _shown(self, row: Row) -> dict[str, Any]:
        key = {} if row.id in self.without_key else {"id": row.id}
        return {
            **key,
            "version": row.version,
            "updated_at": None if row.at is None else write(row.at, self.how),
        }

    def clock(self) -> datetime:
        return to_datetime(self.now)
