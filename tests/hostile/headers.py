"""Redirects, clocks and waits that no server should ask for."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.case import EITHER, FAILED, OK, Case, Hostile, Moment, at_moments, in_turn
from tests.hostile.script import Right

PLACES = {
    "another host": "http://evil.invalid/login",
    "another port": "http://127.0.0.1:1/login",
    "another scheme": "https://127.0.0.1/login",
    "itself": "{itself}",
    "its neighbour": "/elsewhere",
    "a file": "file:///etc/passwd",
    "a script": "javascript:alert(1)",
    "a document in itself": "data:text/html,hello",
    "no scheme": "//evil.invalid",
    "an empty place": "",
    "a space": " ",
    "half an IPv6 address": "http://[::1/",
    "a port that is none": "http://127.0.0.1:99999/",
    "a user": "http://user:password@127.0.0.1/",
    "another script": "http://пример.invalid/вход",
    "a host that cannot be encoded": "http://" + "a" * 300 + ".invalid/",
    "a long place": "/" + "p" * 50_000,
    "a bad percent": "/%zz%",
    "two places": "/one\r\nLocation: /two",
    "bytes that are no text": "/\udcff\udcfe",
}
WAITS = {
    "negative": "-1",
    "zero": "0",
    "empty": "",
    "garbage": "soon",
    "an hour in words": "1 hour",
    "huge": "99999999999999999999",
    "of four hundred digits": "9" * 400,
    "an exponent": "1e9",
    "infinity": "inf",
    "not a number": "nan",
    "hexadecimal": "0x10",
    "with a plus": "+5",
    "a list": "120, 240",
    "two of them": "120\r\nRetry-After: 3600",
    "in Arabic digits": "\u0661\u0662",
    "the year 9999": "Fri, 31 Dec 9999 23:59:59 GMT",
    "the year 10000": "Sat, 01 Jan 10000 00:00:00 GMT",
    "the year 0": "Sat, 01 Jan 0000 00:00:00 GMT",
    "long ago": "Thu, 01 Jan 1970 00:00:00 GMT",
    "a date that is none": "Foo, 99 Bar 2026 99:99:99 GMT",
    "a date of RFC 3339": "2030-01-01T00:00:00Z",
    "a date with a huge offset": "Sun, 06 Nov 2044 08:49:37 +9999",
    "a NUL": "\0",
}
CLOCKS = {
    "garbage": "garbage",
    "empty": "",
    "zero": "0",
    "a number": "1795262400",
    "the year 1": "Mon, 01 Jan 0001 00:00:00 GMT",
    "the year 0": "Sat, 01 Jan 0000 00:00:00 GMT",
    "long ago": "Thu, 01 Jan 1970 00:00:00 GMT",
    "last year": "Fri, 21 Nov 2025 12:00:00 GMT",
    "next century": "Thu, 01 Jan 2099 00:00:00 GMT",
    "the end of time": "Fri, 31 Dec 9999 23:59:59 GMT",
    "beyond the end of time": "Fri, 31 Dec 99999 23:59:59 GMT",
    "the end of time in the far west": "Fri, 31 Dec 9999 23:59:59 -2359",
    "the beginning in the far east": "Mon, 01 Jan 0001 00:00:00 +2359",
    "a huge offset": "Sat, 21 Nov 2026 12:00:00 +999999",
    "no such day": "Sat, 31 Feb 2026 12:00:00 GMT",
    "RFC 3339": "2026-11-21T12:00:00Z",
    "RFC 850": "Saturday, 21-Nov-26 12:00:00 GMT",
    "asctime": "Sat Nov 21 12:00:00 2026",
    "two of them": "Thu, 01 Jan 1970 00:00:00 GMT\r\nDate: Thu, 01 Jan 2099 00:00:00 GMT",
    "missing": "-",
    "Arabic digits": "Sat, \u0662\u0661 Nov 2026 12:00:00 GMT",
    "ten thousand letters": "x" * 10_000,
}
STRAY = frozenset({77})
AHEAD = {"years ahead": "2098-06-01T00:00:00Z", "the end of time": "9999-12-31T23:59:59Z"}


def cases() -> Iterator[Case]:
    yield from in_turn(_redirects())
    yield from at_moments(_waits(), Moment.FIRST, Moment.LATER)
    yield from at_moments(_clocks(), Moment.FIRST, Moment.LATER)


def _redirects() -> Iterator[Case]:
    for status in (301, 302, 303, 307, 308):
        yield Case(f"{status} to nowhere", _refused(f"{status} Moved"), FAILED)
        for name, place in PLACES.items():
            yield Case(f"{status} to {name}", _moved(status, place), FAILED)


def _waits() -> Iterator[Case]:
    for name, wait in WAITS.items():
        line = f"Retry-After: {wait}"
        yield Case(f"429 with a Retry-After that is {name}", _refused("429 Slow Down", line), FAILED)
        yield Case(f"503 with a Retry-After that is {name}", _refused("503 Down", line), FAILED)
        yield Case(f"a page with a Retry-After that is {name}", _page(line), EITHER)


def _clocks() -> Iterator[Case]:
    for name, date in CLOCKS.items():
        yield Case(f"a Date that is {name}", _page(f"Date: {date}"), OK, mates=True)
        for ahead, position in AHEAD.items():
            shown = f"a Date that is {name}, and a record {ahead}"
            hostile = _ahead(f"Date: {date}", position)
            yield Case(shown, hostile, OK, strays=STRAY, mates=True)


def _page(line: str) -> Hostile:
    return lambda right: right.answer(None, line)


def _refused(status: str, *lines: str) -> Hostile:
    return lambda right: right.answer(b"", *lines, status=status)


def _moved(status: int, place: str) -> Hostile:
    def answer(right: Right) -> bytes:
        onto = place.replace("{itself}", right.origin + right.path)
        return right.answer(b"<a>moved</a>", f"Location: {onto}", status=f"{status} Moved")

    return answer


def _ahead(line: str, position: str) -> Hostile:
    def answer(right: Right) -> bytes:
        poisoned = f'{{"id":77,"version":1,"name":"ahead","updated_at":"{position}"}}'
        last = right.around["next"] is None
        return right.answer(right.body([*right.rows, poisoned] if last else None), line)

    return answer
