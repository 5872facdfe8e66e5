"""Pages that say something wrong about the pages after them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.hostile.case import EITHER, FAILED, OK, UNFINISHED, Case, Hostile, Moment, at_moments
from tests.hostile.script import Right

ELSEWHERE = "http://127.0.0.1:1/rows?cursor=1"
NO_CURSORS: dict[str, Any] = {
    "an object": {"cursor": "abc"},
    "a list": ["abc"],
    "true": True,
    "a fraction": 1.5,
    "an empty object": {},
}
ODD_CURSORS: dict[str, Any] = {
    "empty": "",
    "zero": 0,
    "minus one": -1,
    "false": False,
    "a space": " ",
    "the word null": "null",
    "beyond 64 bits": 10**30,
    "with a line end": "a\r\nX-Injected: yes",
    "with a NUL": "a\0b",
    "with a plus and a percent": "a+b%zz&c=d#e",
    "in another script": "следующая",
    "a path": "../../etc/passwd",
    "a URL": ELSEWHERE,
    "of ten thousand letters": "c" * 10_000,
    "of a megabyte": "c" * 1_000_000,
}
FOREIGN = {
    "another port": ELSEWHERE,
    "another host": "http://evil.invalid/rows",
    "another scheme": "https://127.0.0.1/rows",
    "no scheme": "//evil.invalid/rows",
    "file": "file:///etc/passwd",
    "ftp": "ftp://127.0.0.1/rows",
    "javascript": "javascript:alert(1)",
    "data": "data:application/json,{}",
    "a user in front": "http://api:secret@evil.invalid/rows",
    "our host as a user": "{origin}@evil.invalid/rows",
    "a user on our host": "{user}/rows",
    "backslashes": "http:\\\\evil.invalid\\rows",
    "half an IPv6 address": "http://[::1/rows",
    "a port that is none": "http://127.0.0.1:99999/rows",
    "an empty host": "http:///rows",
}
STRANGE_URLS: dict[str, Any] = {
    "empty": "",
    "a space": " ",
    "a fragment": "#top",
    "a query": "?",
    "dots": "/../../..",
    "bad percent": "/%zz%",
    "a NUL": "/rows\0",
    "a line end": "/rows\r\nX-Injected: yes",
    "another endpoint": "/elsewhere",
    "a megabyte": "/" + "p" * 1_000_000,
    "an object": {"href": "/rows"},
    "a number": 7,
    "true": True,
    "another script": "/строки",
}
FLAGS: dict[str, Any] = {"text": "yes", "null": None, "an object": {}, "two": 2, "a list": [False]}
COUNTS: dict[str, Any] = {
    "zero": 0,
    "minus one": -1,
    "one": 1,
    "a billion": 10**9,
    "beyond 64 bits": 10**30,
    "a fraction": 2.5,
    "text": "many",
    "digits in text": "3",
    "null": None,
    "true": True,
    "an object": {"value": 3},
}


def cases() -> Iterator[Case]:
    yield from at_moments(_cursors(), Moment.FIRST, Moment.LATER)
    yield from at_moments(_urls(), Moment.FIRST)
    yield from at_moments(_offsets(), Moment.FIRST, Moment.LATER)


def _cursors() -> Iterator[Case]:
    for name, cursor in NO_CURSORS.items():
        yield Case(f"a cursor that is {name}", _with(next=cursor), FAILED)
        yield Case(f"more, and a cursor that is {name}", _with(next=cursor, more=True), FAILED, paging="more")
    for name, cursor in ODD_CURSORS.items():
        yield Case(f"always a cursor that is {name}", _with(next=cursor), EITHER)
    for name, following in {
        "itself": lambda right: right.asked.get("cursor", "c"),
        "one of two in turn": lambda right: "ab"[right.turn % 2],
        "one of fifty in turn": lambda right: f"c{right.turn % 50}",
        "a new one for the same page": lambda right: f"c{right.turn}x",
        "the first page": lambda _: "c0",
    }.items():
        yield Case(f"the next page is {name}", _circling(following), UNFINISHED)
    yield Case("empty pages for ever", _empty_for_ever, UNFINISHED)
    yield Case("more, and no cursor", _with(next=None, more=True), FAILED, paging="more")
    for name, flag in FLAGS.items():
        yield Case(f"a flag that is {name}", _with(more=flag), EITHER, paging="more")
    yield Case("no more, and a cursor", _with(next="c", more=False), OK, paging="more")
    yield Case("more for ever after the last key", _with(more=True), UNFINISHED, paging="from_key")
    yield Case("a keyset whose since is ignored", _first_page_always, UNFINISHED, paging="keyset")
    yield Case("a cursor that is ignored", _first_page_always, UNFINISHED)


def _urls() -> Iterator[Case]:
    for name, url in FOREIGN.items():
        said = "" if name in ("half an IPv6 address", "a port that is none") else "nothing was sent"
        yield Case(f"the next URL is on {name}", _onto(url), FAILED, paging="next_url", says=said)
    for name, url in STRANGE_URLS.items():
        yield Case(f"the next URL is {name}", _with(url=url), UNFINISHED, paging="next_url")


def _offsets() -> Iterator[Case]:
    for name, count in COUNTS.items():
        yield Case(f"a total that is {name}", _with(total=count), EITHER, paging="total")
    for paging in ("offset", "total"):
        yield Case(f"the first page for ever, {paging}", _first_page_always, UNFINISHED, paging=paging)
        yield Case(f"all rows at once, {paging}", _everything, EITHER, paging=paging)
        yield Case(f"the page backwards, {paging}", _backwards, UNFINISHED, paging=paging)
        yield Case(f"every row twice, {paging}", _doubled, UNFINISHED, paging=paging)
        yield Case(f"every second page empty, {paging}", _every_second_empty, UNFINISHED, paging=paging)


def _with(**around: Any) -> Hostile:  # noqa: ANN401 (any JSON value)
    return lambda right: right.answer(right.body(**around))


def _onto(url: str) -> Hostile:
    def answer(right: Right) -> bytes:
        user = right.origin.replace("//", "//api:secret@")
        return right.answer(right.body(url=url.replace("{origin}", right.origin).replace("{user}", user)))

    return answer


def _circling(following: Callable[[Right], str]) -> Hostile:
    return lambda right: right.answer(right.body(next=following(right)))


def _empty_for_ever(right: Right) -> bytes:
    return right.answer(right.body([], next=f"c{right.turn}x"))


_SEEN: dict[str, list[str]] = {}


def _first_page_always(right: Right) -> bytes:
    rows = _SEEN.setdefault(right.path, list(right.rows))
    return right.answer(right.body(rows, next="c", more=True))


def _everything(right: Right) -> bytes:
    return right.answer(right.body(list(right.rows) * 3))


def _backwards(right: Right) -> bytes:
    return right.answer(right.body(sorted(right.rows, key=lambda row: -json.loads(row)["id"])))


def _doubled(right: Right) -> bytes:
    return right.answer(right.body([row for row in right.rows for _ in range(2)]))


def _every_second_empty(right: Right) -> bytes:
    return right.answer(right.body([] if right.turn % 2 else right.rows))
