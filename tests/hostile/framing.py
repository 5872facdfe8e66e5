"""Messages whose beginning, headers or end are not where they should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.hostile.case import EITHER, FAILED, OK, Case, Hostile, Moment, at_moments, in_turn
from tests.hostile.script import End, Right, Script

Bytes = Callable[[Right], bytes]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def cases() -> Iterator[Case]:
    yield from at_moments(_beginnings(), Moment.FIRST, Moment.MIDDLE)
    yield from in_turn(_headers())
    yield from at_moments(_lengths(), Moment.FIRST, Moment.LATER)
    yield from in_turn(_chunks())
    yield from in_turn(_farewells())


def _beginnings() -> Iterator[Case]:
    for name, text in {
        "nothing at all": b"",
        "one byte": b"H",
        "half a status line": b"HTTP/1.1 20",
        "HTTP/0.9": b'{"rows":[]}',
        "HTTP/0.9 with HTML": b"<html>it works</html>",
        "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
        "SMTP": b"220 mail.example ESMTP\r\n",
        "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x28",
        "a TLS server hello": b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(range(118)),
        "HTTP/2 settings": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00\x03\x00\x00\x00\x64" * 3,
        "zeros": bytes(4096),
        "a megabyte without a line end": b"A" * 1_000_000,
        "line ends and nothing else": b"\r\n" * 200_000,
        "no status": b"HTTP/1.1 \r\n\r\n",
        "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
        "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
        "a negative status": b"HTTP/1.1 -20 OK\r\n\r\n",
        "a status in words": b"HTTP/1.1 OK OK\r\n\r\n",
        "a status in Arabic digits": "HTTP/1.1 \u0662\u0660\u0660 OK\r\n\r\n".encode(),
        "status 000": b"HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n",
        "status 099": b"HTTP/1.1 099 Nothing\r\nContent-Length: 0\r\n\r\n",
        "version 3": b"HTTP/3.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "version in words": b"HTTP/one 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "lower case": b"http/1.1 200 ok\r\ncontent-length: 2\r\n\r\n{}",
        "an upgrade that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\0\0",
        "only an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
        "a flood of interim answers": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 20_000,
    }.items():
        yield Case(name, _says(text), FAILED)
    garbage = {"a blank line": b"\r\n", "a word": b"hello\r\n", "a NUL": b"\0", "a BOM": b"\xef\xbb\xbf"}
    for name, text in garbage.items():
        yield Case(f"{name} in front", _around(before=text), EITHER)
    for name, text in {"100": b"100 Continue", "102": b"102 Processing", "103": b"103 Early Hints"}.items():
        interim = b"HTTP/1.1 " + text + b"\r\n\r\n"
        yield Case(f"{name} in front", _around(before=interim), OK, mates=True)
        yield Case(f"{name} forty times in front", _around(before=interim * 40), OK, mates=True)


def _headers() -> Iterator[Case]:
    for name, line in {
        "a NUL in a value": b"X-A: a\0b",
        "a NUL in a name": b"X\0A: b",
        "a carriage return in a value": b"X-A: a\rX-B: b",
        "a folded line": b"X-A: a\r\n  and on",
        "a fold in front of all": b" X-A: a",
        "a name with a space": b"X A: b",
        "a space in front of the colon": b"X-A : b",
        "no colon": b"nonsense",
        "no name": b": b",
        "Latin-1 in a value": b"X-A: caf\xe9",
        "UTF-8 in a value": "X-A: blåbærsyltetøy 🫐".encode(),
        "UTF-8 in a name": "X-Å: b".encode(),
        "a control character": b"X-A: \x07\x1b[31mred",
        "an escape for terminals": b"X-Request-ID: \x1b]0;owned\x07",
        "a very long value": b"X-A: " + b"a" * 60_000,
        "a value beyond every bound": b"X-A: " + b"a" * 3_000_000,
        "a very long name": b"X-" + b"A" * 60_000 + b": b",
        "a thousand headers": b"\r\n".join(b"X-%d: a" % number for number in range(1000)),
        "a flood of headers": b"\r\n".join(b"X-%d: a" % number for number in range(200_000)),
        "the same header ten thousand times": b"\r\n".join([b"X-A: a"] * 10_000),
        "an empty value": b"X-A:",
        "two content types": b"Content-Type: text/html\r\nContent-Type: application/json",
        "an unknown charset": b"Content-Type: application/json; charset=klingon",
        "a charset that lies": b"Content-Type: application/json; charset=utf-16",
        "no content type": b"Content-Type: -",
        "a content type that is none": b"Content-Type: ;;;=",
        "HTML as content type of a page": b"Content-Type: text/html",
        "a trailer that is announced": b"Trailer: X-Checksum",
        "an unknown connection option": b"Connection: x-mine, keep-alive",
        "keep-alive without end": b"Keep-Alive: timeout=999999999999999999999999",
        "a cookie": b"Set-Cookie: session=1; Domain=.example; Max-Age=99999999999999999999",
        "a challenge on success": b'WWW-Authenticate: Basic realm="\\"',
        "an age that is none": b"Age: minus one",
        "a link that is none": b"Link: <<<>>>;;; rel=next, \x22",
        "a content range": b"Content-Range: bytes 0-10/99999",
    }.items():
        yield Case(name, _with_line(line), EITHER)


def _lengths() -> Iterator[Case]:
    for name, given in {
        "too short": "5",
        "zero": "0",
        "negative": "-1",
        "in words": "many",
        "hexadecimal": "0x10",
        "with a plus": "+100",
        "empty": "",
        "a fraction": "100.0",
        "two to the 63rd": "9223372036854775808",
        "five thousand digits": "9" * 5000,
        "in Arabic digits": "\u0661\u0660\u0660",
        "a list of two": "5, 6",
        "over the limit": "70000000",
    }.items():
        yield Case(f"a Content-Length that is {name}", _of_length(given), FAILED)
    yield Case("a Content-Length that is too long", _longer(100), FAILED)
    yield Case("a Content-Length that is a byte too long", _longer(1), FAILED)
    yield Case("two Content-Lengths that agree", _two_lengths(0), EITHER)
    yield Case("two Content-Lengths that do not agree", _two_lengths(1), FAILED)
    yield Case("no length, cut by the end", lambda right: HEAD + b"\r\n" + right.body()[:-9], FAILED)
    yield Case("no length, whole", lambda right: HEAD + b"\r\n" + right.body(), OK, mates=True)
    yield Case("bytes behind the end", lambda right: right.answer() + b"more", OK, mates=True)
    yield Case("a second answer behind the end", lambda right: right.answer() * 2, OK, mates=True)


def _chunks() -> Iterator[Case]:
    for name, cut in {
        "whole": b"%x\r\n%b\r\n0\r\n\r\n",
        "with an extension": b"%x;a=b\r\n%b\r\n0\r\n\r\n",
        "with a trailer": b"%x\r\n%b\r\n0\r\nX-A: b\r\n\r\n",
    }.items():
        yield Case(f"chunks, {name}", _chunked(cut), OK, mates=True)
    for name, cut in {
        "without the last one": b"%x\r\n%b\r\n",
        "the end without its line": b"%x\r\n%b\r\n0\r\n",
        "a size that is too large": b"f%x\r\n%b\r\n0\r\n\r\n",
        "a size that is too small": b"1\r\n%.0s%b\r\n0\r\n\r\n",
        "a size that is none": b"zz\r\n%.0s%b\r\n0\r\n\r\n",
        "a negative size": b"-%x\r\n%b\r\n0\r\n\r\n",
        "a size of thirty digits": b"ffffffffffffffffffffffffffffff\r\n%.0s%b\r\n0\r\n\r\n",
        "a size of a thousand zeros": b"0" * 1000 + b"%x\r\n%b\r\n0\r\n\r\n",
        "no line behind the size": b"%x%b",
        "garbage behind a chunk": b"%x\r\n%bgarbage\r\n0\r\n\r\n",
        "an endless extension": b"%x;" + b"a" * 1_000_000 + b"\r\n%b\r\n0\r\n\r\n",
        "a trailer that is none": b"%x\r\n%b\r\n0\r\nnonsense\r\n\r\n",
        "not a chunk at all": b"%.0s%b",
        "nothing": b"%.0s%.0b",
        "only the last one": b"0\r\n\r\n%.0s%.0b",
    }.items():
        yield Case(f"chunks, {name}", _chunked(cut), FAILED)
    for name, coding in {
        "gzip, chunked": b"gzip, chunked",
        "chunked twice": b"chunked, chunked",
        "identity": b"identity",
        "unknown": b"sparkling",
        "empty": b"",
        "with a tab": b"\tchunked",
        "with a vertical tab": b"\x0bchunked",
    }.items():
        yield Case(f"Transfer-Encoding {name}", _chunked(b"%x\r\n%b\r\n0\r\n\r\n", coding), EITHER)
    yield Case("chunks and a Content-Length", _chunked(b"%x\r\n%b\r\n0\r\n\r\n", b"chunked", b"5"), EITHER)
    yield Case("thousands of chunks", _crumbs, OK, mates=True)


def _farewells() -> Iterator[Case]:
    for share in (0, 1, 10, 50, 90, 99):
        for end in (End.CLOSE, End.RESET):
            yield Case(f"{end.value} after {share} % of the answer", _leaves(share, end), FAILED)
    for end in (End.CLOSE, End.RESET):
        yield Case(f"{end.value} in the middle of the headers", _in_the_headers(end), FAILED)


def _says(text: bytes) -> Hostile:
    return lambda _: text


def _around(before: bytes = b"", after: bytes = b"") -> Hostile:
    return lambda right: before + right.answer() + after


def _with_line(line: bytes) -> Hostile:
    def answer(right: Right) -> bytes:
        body = right.body()
        return HEAD + line + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    return answer


def _of_length(given: str) -> Hostile:
    return lambda right: HEAD + b"Content-Length: " + given.encode() + b"\r\n\r\n" + right.body()


def _longer(by: int) -> Hostile:
    return lambda right: _of_length(str(len(right.body()) + by))(right)


def _two_lengths(apart: int) -> Hostile:
    def answer(right: Right) -> bytes:
        body = right.body()
        lengths = b"Content-Length: %d\r\nContent-Length: %d\r\n" % (len(body), len(body) - apart)
        return HEAD + lengths + b"\r\n" + body

    return answer


def _chunked(cut: bytes, coding: bytes = b"chunked", length: bytes | None = None) -> Hostile:
    def answer(right: Right) -> bytes:
        body = right.body()
        said = HEAD + b"Transfer-Encoding: " + coding + b"\r\n"
        said += b"" if length is None else b"Content-Length: " + length + b"\r\n"
        filled = cut.replace(b"%x", b"%x" % len(body)).replace(b"%.0s", b"").replace(b"%.0b", b"")
        return said + b"\r\n" + filled.replace(b"%b", body)

    return answer


def _crumbs(right: Right) -> bytes:
    body = right.body(filler=" " * 5000)
    return (
        HEAD
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"1\r\n%c\r\n" % byte for byte in body)
        + b"0\r\n\r\n"
    )


def _leaves(share: int, end: End) -> Hostile:
    def script(right: Right) -> Script:
        whole = right.answer()
        return Script([whole[: len(whole) * share // 100]], end)

    return script


def _in_the_headers(end: End) -> Hostile:
    return lambda right: Script([right.answer()[:40]], end)
