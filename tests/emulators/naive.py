"""Clients that make the usual mistakes: what they lose shows that an emulator's sharp edge is sharp."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.emulators.scripted import Emulator

Rows = dict[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Got:
    """One answer, as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def page(self) -> Any:  # noqa: ANN401 (any JSON value)
        return json.loads(self.body)

    @property
    def ids(self) -> list[int]:
        return [row["id"] for row in self.page["rows"]]


def get(api: Emulator, target: str = "/rows", headers: dict[str, str] | None = None, **params: Any) -> Got:  # noqa: ANN401 (any query)
    """One GET on a connection of its own. ``target`` may be an absolute URL."""
    split = urlsplit(target)
    query = "&".join(part for part in (split.query, urlencode(params)) if part != "")
    connection = http.client.HTTPConnection(urlsplit(api.base_url).netloc, timeout=10)
    try:
        connection.request("GET", f"{split.path}?{query}", headers=headers or {})
        answer = connection.getresponse()
        return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def scan_by_offset(api: Emulator, size: int = 10, **params: Any) -> Rows:  # noqa: ANN401 (any query)
    """``offset += rows received`` until a page is empty: loses what slides."""
    seen: Rows = {}
    read = 0
    while rows := get(api, offset=read, limit=size, **params).page["rows"]:
        seen |= by_id(rows)
        read += len(rows)
    return seen


def scan_by_cursor(api: Emulator, size: int = 10, **params: Any) -> Rows:  # noqa: ANN401 (any query)
    """Follows ``next``, cursor or URL, until there is none."""
    page = get(api, limit=size, **params).page
    seen = by_id(page["rows"])
    while (following := page["next"]) is not None:
        is_url = "?" in following
        got = get(api, following) if is_url else get(api, limit=size, cursor=following, **params)
        page = got.page
        seen |= by_id(page["rows"])
    return seen


def by_id(rows: Iterable[dict[str, Any]]) -> Rows:
    return {row["id"]: row for row in rows}
