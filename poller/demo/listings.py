"""The demo API's three ways to list what changed: by offset, newest first by key, and by next URL."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from poller.demo.world import Collection, World

Document = dict[str, Any]
CAP = 100
"""Most records in one page, whatever was asked."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its parameters, and the scheme, host and port under which the API is known."""

    world: World
    params: Mapping[str, str]
    origin: str


class BadRequest(Exception):
    """The request cannot be understood; the text says why."""


def issues(asked: Asked) -> Document:
    """Redmine's manner: ``updated_on=>=TS``, ``offset`` and ``limit``, oldest change first."""
    params, collection = asked.params, asked.world.collections["issues"]
    places = collection.since(_moment(collection, params.get("updated_on", "").removeprefix(">=")))
    begin, size = _number(params, "offset", 0), _size(params, "limit")
    return {
        "issues": collection.at(places[begin : begin + size]),
        "total_count": len(places),
        "offset": begin,
        "limit": size,
    }


def orders(asked: Asked) -> Document:
    """Stripe's manner: ``updated[gte]`` in Unix seconds, newest first, ``starting_after``, ``has_more``."""
    params, collection = asked.params, asked.world.collections["orders"]
    since = params.get("updated[gte]", "")
    places = collection.since(None if since == "" else _number(params, "updated[gte]", 0))
    end = len(places)
    if "starting_after" in params:
        number = _number(params, "starting_after", 0)
        if number not in collection.stamps:
            raise BadRequest(f"no such order: {number}")
        end = bisect_left(places, (collection.stamps[number], number))
    begin = max(0, end - _size(params, "limit"))
    return {"object": "list", "data": collection.at(reversed(places[begin:end])), "has_more": begin > 0}


def contacts(asked: Asked) -> Document:
    """``modifiedSince`` with milliseconds; ``next`` is the full URL of the next page, null at the end."""
    params, collection = asked.params, asked.world.collections["contacts"]
    places = collection.since(_moment(collection, params.get("modifiedSince", "")))
    begin = bisect_right(places, _cursor(params["cursor"])) if "cursor" in params else 0
    size = _size(params, "pageSize")
    page = places[begin : begin + size]
    following = None
    if begin + size < len(places):
        cursor = base64.urlsafe_b64encode(json.dumps(page[-1]).encode()).decode()
        following = f"{asked.origin}/api/contacts?{urlencode({**params, 'cursor': cursor})}"
    return {"results": collection.at(page), "next": following, "count": len(places)}


LISTINGS: dict[str, Callable[[Asked], Document]] = {
    "/issues.json": issues,
    "/v1/orders": orders,
    "/api/contacts": contacts,
}


def _moment(collection: Collection, text: str) -> int | None:
    """A timestamp with offset as a stamp, rounded up: at or after it means at or after the stamp."""
    if text == "":
        return None
    try:
        before = _EPOCH - datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise BadRequest(f"{text!r} is no timestamp with an offset, such as 2026-01-31T12:00:00Z") from None
    return -(before // timedelta(microseconds=collection.kind.unit))


def _number(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name, str(default))
    if not text.isdecimal():
        raise BadRequest(f"{name}: {text!r} is no whole number")
    return int(text)


def _size(params: Mapping[str, str], name: str) -> int:
    return max(1, min(_number(params, name, 25), CAP))


def _cursor(text: str) -> tuple[int, int]:
    try:
        stamp, number = json.loads(base64.urlsafe_b64decode(text))
        return int(stamp), int(number)
    except (ValueError, TypeError, binascii.Error):
        raise BadRequest(f"cursor: {text!r} was not given out by this API") from None
