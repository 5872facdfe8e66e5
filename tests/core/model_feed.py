"""A feed that is moved by tokens, as values: changes with deletions, tokens that are forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from poller.core.page import Response
from poller.core.position import SECOND, to_datetime
from poller.core.request import Request
from tests.core.model_api import BEGIN


@dataclass
class ModelFeed:
    """``style``: sync (cursor pages, the token on the last one), link (the token is the whole next URL)
    or sequence (every page gives its token, an empty page is the end).
    """

    style: str = "sync"
    limit: int = 4
    rows: dict[int, int] = field(default_factory=dict)
    log: list[tuple[int, int]] = field(default_factory=list)
    """Each change: row and version; version 0 is a deletion."""
    now: int = BEGIN
    answers: int = 0
    era: int = 0
    """Tokens of an earlier era are forgotten."""
    gives_tokens: bool = True
    inclusive: bool = False
    """A sequence shows the change that its token names once more."""
    requests: list[Request] = field(default_factory=list)
    before_answer: Callable[[ModelFeed], None] = lambda _feed: None

    def put(self, row: int) -> None:
        self.rows[row] = self.rows.get(row, 0) + 1
        self.log.append((row, self.rows[row]))

    def delete(self, row: int) -> None:
        del self.rows[row]
        self.log.append((row, 0))

    def forget(self) -> None:
        """Tokens that were given until now are too old."""
        self.era += 1

    def truth(self) -> dict[str, int]:
        return {str(row): version for row, version in self.rows.items()}

    def clock(self) -> datetime:
        return to_datetime(self.now)

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        self.now += SECOND
        self.before_answer(self)
        self.answers += 1
        params = self._params(request)
        token = params.get("token")
        if token is not None and int(token.split("-")[1]) < self.era:
            return self._response(410, {"error": "too old"})
        since = None if token is None else int(token.split("-")[0])
        begin = int(params.get("page", "0"))
        upto = int(params.get("upto", str(len(self.log))))
        return self._response(200, self._page(since, begin, upto))

    def _params(self, request: Request) -> dict[str, str]:
        if "?" in request.target:
            return dict(part.split("=", 1) for part in request.target.split("?", 1)[1].split("&"))
        return dict(request.params)

    def _page(self, since: int | None, begin: int, upto: int) -> dict[str, Any]:
        if self.style == "sequence":
            done = max((since or 0) - int(self.inclusive), 0)
            changed = self._latest(done)[: self.limit]
            last = max((number for number, _, _ in changed), default=done)
            return {
                "rows": [self._shown(row, version) for _, row, version in changed],
                "token": self._token(last),
            }
        listing = (
            [(row, version) for row, version in self.rows.items()]
            if since is None
            else [(row, version) for _, row, version in self._latest(since)]
        )
        page: dict[str, Any] = {"rows": [self._shown(*each) for each in listing[begin : begin + self.limit]]}
        if begin + self.limit < len(listing):
            token = "" if since is None else f"&token={self._token(since)}"
            page["next"] = f"/rows?page={begin + self.limit}&upto={upto}{token}"
        elif self.gives_tokens:
            token = self._token(upto)
            page["token"] = f"/rows?token={token}" if self.style == "link" else token
        return page

    def _token(self, number: int) -> str:
        return f"{number}-{self.era}"

    def _latest(self, since: int) -> list[tuple[int, int, int]]:
        """The last change of each row behind ``since``: number, row, version."""
        latest = {row: (number, row, version) for number, (row, version) in enumerate(self.log, 1)}
        return sorted(change for change in latest.values() if change[0] > since)

    def _shown(self, row: int, version: int) -> dict[str, Any]:
        return {"id": row, "gone": True} if version == 0 else {"id": row, "version": version}

    def _response(self, status: int, document: dict[str, Any]) -> Response:
        return Response(
            status=status,
            headers=(("content-type", "application/json"),),
            body=json.dumps(document).encode(),
            requested_at=self.clock(),
            date=self.now - self.now % SECOND,
        )
