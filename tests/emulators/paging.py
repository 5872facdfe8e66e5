"""Which slice of a listing answers a request, and what the answer says of the next one."""

from __future__ import annotations

import base64
import json
import random
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.emulators.endpoint import Endpoint
from tests.emulators.listing import Listing, Place
from tests.emulators.world import Row

Params = Mapping[str, Any]


class Refused(Exception):
    """The request is answered with an error: ``status`` and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Turn:
    """One request as the pager sees it: ``number`` counts requests from 1, ``rng`` is its own dice."""

    params: Params
    number: int
    rng: random.Random
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of one page, where they stand, and the whole listing's length."""

    rows: list[Row]
    begin: int
    end: int
    length: int


class Pages:
    """An endpoint's pages, with the life and death of its cursors."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.endpoint: Endpoint = listing.endpoint
        self._expired_before = 0

    def expire_cursors(self, number: int) -> None:
        """Refuse every cursor that was given out in answers before request ``number``."""
        self._expired_before = number

    def page(self, turn: Turn) -> dict[str, Any] | list[Any]:
        """The body that answers ``turn``. Raises Refused."""
        cursor = self._cursor(turn)
        listing = self.listing.rows(self._moment(turn, "since"), self._moment(turn, "until"), turn.rng)
        begin = self._begin(turn, cursor, listing)
        end = begin if self._is_empty(turn, cursor) else begin + self._length(turn)
        part = Slice(listing[begin:end], begin, min(end, len(listing)), len(listing))
        shown = [self.listing.show(row) for row in part.rows]
        names = self.endpoint.names
        if names.records == "":
            return shown
        body: dict[str, Any] = {}
        put(body, names.records, shown)
        self._say_onward(body, turn, part, cursor)
        if self.endpoint.total != "absent":
            right = self.endpoint.total == "right"
            put(body, names.total, part.length if right else part.length // 2)
        return body

    def _moment(self, turn: Turn, which: str) -> int | None:
        name = self.endpoint.names.since if which == "since" else self.endpoint.names.until
        given = turn.params.get(name)
        if given is None or given == "":
            return None
        text = str(given).removeprefix(self.endpoint.wrapped) if which == "since" else str(given)
        moment = self.endpoint.stamp.read(text)
        if moment is None:
            raise Refused(400, f"{name}: {given!r} is no timestamp")
        return moment

    def _length(self, turn: Turn) -> int:
        if self.endpoint.paging == "none":
            return self.endpoint.cap
        asked = int(turn.params.get(self.endpoint.names.size, self.endpoint.default_size))
        most = min(asked, self.endpoint.cap)
        return turn.rng.randint(1, most) if self.endpoint.lengths == "random" else most

    def _begin(self, turn: Turn, cursor: Mapping[str, Any] | None, listing: list[Row]) -> int:
        if self.endpoint.paging == "offset":
            return int(turn.params.get(self.endpoint.names.offset, 0))
        if cursor is None:
            return 0
        if "offset" in cursor:
            return int(cursor["offset"])
        if "key" in cursor:
            return _behind_key(listing, cursor["key"])
        last: Place = tuple(cursor["place"])
        return bisect_right(listing, last, key=self.listing.place)

    def _cursor(self, turn: Turn) -> Mapping[str, Any] | None:
        text = turn.params.get(self.endpoint.names.cursor)
        if text is None or self.endpoint.paging in ("offset", "keyset", "none"):
            return None
        if self.endpoint.paging == "after_key":
            return {"key": int(text)}
        try:
            cursor: dict[str, Any] = json.loads(base64.urlsafe_b64decode(str(text)))
        except ValueError:
            raise Refused(400, f"unknown cursor {text!r}") from None
        life = self.endpoint.cursor_life
        too_old = life is not None and turn.number > cursor["given"] + life
        if too_old or cursor["given"] < self._expired_before:
            raise Refused(self.endpoint.expired_status, "the cursor has expired")
        return cursor

    def _is_empty(self, turn: Turn, cursor: Mapping[str, Any] | None) -> bool:
        every = self.endpoint.empty_every
        return every is not None and turn.number % every == 0 and not (cursor or {}).get("empty")

    def _say_onward(
        self, body: dict[str, Any], turn: Turn, part: Slice, cursor: Mapping[str, Any] | None
    ) -> None:
        names, paging = self.endpoint.names, self.endpoint.paging
        if paging == "after_key":
            put(body, names.more, part.end < part.length)
        if paging not in ("keyset_cursor", "offset_cursor", "next_url"):
            return
        following = self._following(turn, part, cursor)
        if following is not None and paging == "next_url":
            following = self._url(turn, following)
        put(body, names.next, following)

    def _following(self, turn: Turn, part: Slice, cursor: Mapping[str, Any] | None) -> str | None:
        """The next cursor's text; None at the end."""
        if part.end >= part.length:
            last_page = self.endpoint.last_page
            if last_page == "no_cursor" or (last_page == "to_empty" and not part.rows):
                return None
            if not part.rows and cursor is not None:
                return str(turn.params[self.endpoint.names.cursor])
        return _encoded(self._next_cursor(turn, part, cursor))

    def _next_cursor(self, turn: Turn, part: Slice, cursor: Mapping[str, Any] | None) -> dict[str, Any]:
        by_offset = self.endpoint.paging == "offset_cursor" or (
            self.endpoint.paging == "next_url" and self.endpoint.steps == "by_offset"
        )
        made: dict[str, Any] = {"given": turn.number}
        if by_offset:
            made["offset"] = part.end
        elif part.rows:
            made["place"] = self.listing.place(part.rows[-1])
        else:
            made |= {"place": cursor["place"]} if cursor and "place" in cursor else {"offset": part.begin}
        return made if part.rows else {**made, "empty": True}

    def _url(self, turn: Turn, cursor: str) -> str:
        names = self.endpoint.names
        kept = {name: value for name, value in turn.params.items() if name != names.cursor}
        query = urlencode({**kept, names.cursor: cursor})
        origin = turn.origin if self.endpoint.next_form == "absolute" else ""
        return f"{origin}{self.endpoint.path}?{query}"


def put(body: dict[str, Any], path: str, value: Any) -> None:  # noqa: ANN401 (any JSON value)
    """Set a dotted path inside nested objects."""
    *above, last = path.split(".")
    for name in above:
        body = body.setdefault(name, {})
    body[last] = value


def _behind_key(listing: list[Row], key: int) -> int:
    for turn, row in enumerate(listing):
        if row.id == key:
            return turn + 1
    raise Refused(400, f"no such row: {key}")


def _encoded(cursor: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()
