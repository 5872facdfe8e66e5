"""Bodies that are not what their Content-Encoding says, or that swell when they are unpacked."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator

from tests.hostile.case import EITHER, FAILED, OK, Case, Hostile, Moment, at_moments
from tests.hostile.script import Right

Packing = Callable[[bytes], bytes]
MEGABYTE = 1_000_000


def cases() -> Iterator[Case]:
    yield from at_moments(_encodings(), *Moment)


def _encodings() -> Iterator[Case]:
    for name, pack in {
        "gzip": gzip.compress,
        "gzip of two members": lambda body: gzip.compress(body[:20]) + gzip.compress(body[20:]),
        "gzip with an empty member behind": lambda body: gzip.compress(body) + gzip.compress(b""),
        "gzip that is stored, not deflated": lambda body: gzip.compress(body, compresslevel=0),
    }.items():
        yield Case(name, _packed("gzip", pack), OK, mates=True)
    for name, pack in {
        "without its trailer": lambda body: gzip.compress(body)[:-8],
        "with half its trailer": lambda body: gzip.compress(body)[:-4],
        "cut in the middle": lambda body: gzip.compress(body)[: len(body) // 4],
        "cut in its header": lambda body: gzip.compress(body)[:5],
        "with garbage behind": lambda body: gzip.compress(body) + b"garbage",
        "with zeros behind": lambda body: gzip.compress(body) + bytes(64),
        "with a false checksum": lambda body: (
            gzip.compress(body)[:-8] + b"\1\2\3\4" + gzip.compress(body)[-4:]
        ),
        "with a false size": lambda body: gzip.compress(body)[:-4] + b"\xff\xff\xff\x7f",
        "with a broken block": lambda body: gzip.compress(body)[:10] + b"\xff" * 30,
        "of nothing": lambda _: gzip.compress(b""),
        "twice": lambda body: gzip.compress(gzip.compress(body)),
        "that is plain JSON": lambda body: body,
        "that is deflate": zlib.compress,
        "that is empty": lambda _: b"",
        "a bomb of 100 MB": lambda _: gzip.compress(bytes(100 * MEGABYTE), 1),
        "a bomb of white space": lambda body: gzip.compress(b" " * 50 * MEGABYTE + body, 1),
        "a bomb in a string": lambda _: gzip.compress(b'{"a":"' + b"x" * 50 * MEGABYTE + b'"}', 1),
        "two bombs": lambda _: gzip.compress(bytes(20 * MEGABYTE), 1) * 2,
    }.items():
        yield Case(f"gzip {name}", _packed("gzip", pack), FAILED)
    for name in (
        "deflate",
        "br",
        "zstd",
        "compress",
        "gzip, gzip",
        "deflate, gzip",
        "aes128gcm",
        "sparkling",
    ):
        yield Case(f"{name}, which nobody asked for", _packed(name, zlib.compress), FAILED)
    for name in ("identity", "", " , ,"):
        yield Case(f"the encoding {name!r}", _packed(name, bytes), OK, mates=True)
    for name in ("GZIP", "x-gzip", "identity, gzip"):
        yield Case(f"the encoding {name!r}", _packed(name, gzip.compress), EITHER)
    yield Case("gzip that is not announced", lambda right: right.answer(gzip.compress(right.body())), FAILED)


_MADE: dict[tuple[Packing, bytes], bytes] = {}


def _packed(encoding: str, pack: Packing) -> Hostile:
    def answer(right: Right) -> bytes:
        body = right.body()
        made = _MADE.setdefault((pack, body), b"") or pack(body)
        _MADE[(pack, body)] = made
        return right.answer(made, f"Content-Encoding: {encoding}")

    return answer
