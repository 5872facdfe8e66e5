"""Bodies that are no page, or hardly one."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.case import EITHER, FAILED, OK, Case, Hostile, Moment, at_moments, in_turn
from tests.hostile.script import Right

DEEP = 100_000
NO_PAGES: dict[str, bytes] = {
    "empty": b"",
    "a space": b" ",
    "line ends": b"\r\n\r\n",
    "a BOM alone": b"\xef\xbb\xbf",
    "HTML": b"<!DOCTYPE html><html><body>Please log in</body></html>",
    "XML": b'<?xml version="1.0"?><rows><row id="1"/></rows>',
    "CSV": b"id,updated_at\n1,2026-01-01\n",
    "text": b"OK",
    "null": b"null",
    "true": b"true",
    "false": b"false",
    "a number": b"17",
    "a string": b'"rows"',
    "an empty list": b"[]",
    "a list of rows": b'[{"id":1}]',
    "an empty object": b"{}",
    "a brace": b"{",
    "a bracket": b"[",
    "a quote": b'"',
    "NDJSON": b'{"id":1}\n{"id":2}\n',
    "two documents": b'{"rows":[]}{"rows":[]}',
    "JSONP": b'callback({"rows":[]})',
    "a guard in front": b")]}',\n" + b'{"rows":[]}',
    "JavaScript": b"while(1);{rows:[]}",
    "single quotes": b"{'rows':[]}",
    "names without quotes": b"{rows:[]}",
    "a comma in front": b'{,"rows":[]}',
    "a comma for a record": b'{"rows":[{"id":1},,{"id":2}]}',
    "a comment": b'{"rows":[] /* none */}',
    "records missing": b'{"items":[{"id":1}]}',
    "records null": b'{"rows":null}',
    "records false": b'{"rows":false}',
    "records a number": b'{"rows":0}',
    "records text": b'{"rows":"none"}',
    "records an object": b'{"rows":{"1":{"id":1}}}',
    "records under another case": b'{"Rows":[{"id":1}]}',
    "records one level deeper": b'{"rows":{"rows":[{"id":1}]}}',
    "records as JSON in a string": b'{"rows":"[{\\"id\\":1}]"}',
    "an error": b'{"error":{"code":401,"message":"expired"}}',
    "an error in a list": b'[{"errorCode":"INVALID_SESSION_ID","message":"expired"}]',
    "an error and null records": b'{"rows":null,"errors":[{"message":"quota"}]}',
    "deep lists": b'{"rows":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep lists without an end": b"[" * DEEP,
    "deep objects": b'{"rows":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
    "deep around the records": b'{"around":' + b"[" * DEEP + b"]" * DEEP + b',"rows":[]}',
    "a string without an end": b'{"rows":["' + b"a" * 100_000,
    "invalid UTF-8 alone": b"\xff\xfe\xfd",
    "zeros": bytes(1000),
    "NaN alone": b"NaN",
    "a BOM inside": b'{\xef\xbb\xbf"rows":[]}',
    "an unknown escape": b'{"rows":[],"a":"\\x41"}',
    "a number with a leading zero": b'{"rows":[],"a":007}',
    "a bare control character in a name": b'{"ro\nws":[]}',
    "a cut escape": b'{"rows":[],"a":"\\u12"}',
}
PREFIXES = {"a BOM": b"\xef\xbb\xbf", "white space": b" \r\n\t" * 1000}
BEHIND = {"text": b"done", "HTML": b"<!-- 12 ms -->", "a comma": b",", "a NUL": b"\0", "a brace": b"}"}


def cases() -> Iterator[Case]:
    yield from at_moments(_no_pages(), *Moment)
    yield from in_turn(_encoded())
    yield from in_turn(_wrapped())


def _no_pages() -> Iterator[Case]:
    for name, body in NO_PAGES.items():
        ends = EITHER if name == "deep lists" else FAILED  # one record, which nothing can read
        yield Case(f"a body that is {name}", _says(body), ends)


def _encoded() -> Iterator[Case]:
    for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037"):
        yield Case(f"the page in {codec}", _in(codec), FAILED if codec == "cp037" else EITHER, mates=True)
    for share in (5, 25, 50, 75, 95):
        yield Case(f"{share} % of the page", _part(share), FAILED)
    yield Case("the page without its last byte", lambda right: right.answer(right.body()[:-1]), FAILED)


def _wrapped() -> Iterator[Case]:
    for name, before in PREFIXES.items():
        ends = EITHER if name == "a BOM" else OK
        yield Case(f"{name} in front of the page", _between(before, b""), ends, mates=ends is OK)
    for name, behind in BEHIND.items():
        yield Case(f"{name} behind the page", _between(b"", behind), FAILED)
    yield Case("line ends behind the page", _between(b"", b"\r\n" * 1000), OK, mates=True)
    for name, around in {
        "the records twice, right ones last": b'{"rows":null,',
        "the records twice, none first": b'{"rows":[],',
        "a thousand names": b"{" + b",".join(b'"n%d":1' % n for n in range(1000)) + b",",
        "an empty name": b'{"":1,',
        "a long name": b'{"' + b"n" * 100_000 + b'":1,',
        "a long string": b'{"a":"' + b"x" * 5_000_000 + b'",',
        "a number of thirty digits": b'{"a":123456789012345678901234567890,',
        "a number of a thousand digits": b'{"a":' + b"9" * 1000 + b",",
        "a number of five thousand digits": b'{"a":' + b"9" * 5000 + b",",
        "a huge exponent": b'{"a":1e999999999,',
        "a tiny exponent": b'{"a":1e-999999999,',
        "a negative zero": b'{"a":-0,',
        "NaN": b'{"a":NaN,',
        "Infinity": b'{"a":-Infinity,',
        "a lone surrogate": b'{"a":"\\ud800",',
        "a NUL": b'{"a":"\\u0000",',
        "invalid UTF-8": b'{"a":"\xff\xc3\x28",',
        "a raw surrogate": b'{"a":"\xed\xa0\x80",',
        "a control character": b'{"a":"\x01",',
        "moderate depth": b'{"a":' + b"[" * 50 + b"]" * 50 + b",",
    }.items():
        yield Case(f"around the records: {name}", _beside(around), EITHER)


def _says(body: bytes) -> Hostile:
    return lambda right: right.answer(body)


def _in(codec: str) -> Hostile:
    return lambda right: right.answer(right.text().encode(codec))


def _part(share: int) -> Hostile:
    return lambda right: right.answer(right.body()[: len(right.body()) * share // 100])


def _between(before: bytes, behind: bytes) -> Hostile:
    return lambda right: right.answer(before + right.body() + behind)


def _beside(around: bytes) -> Hostile:
    def answer(right: Right) -> bytes:
        return right.answer(around + right.body()[1:])

    return answer
