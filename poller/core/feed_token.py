"""How far a reader of the change feed has come, over several streams, as one text that it can keep.

The text is ``c1.BODY.CHECKSUM``: the format's version, base64url (RFC 4648 §5) of a JSON object from
stream to number and birth, and the CRC-32 of what stands before it in eight hexadecimal digits. It
needs no quoting in a URL or a shell, and no part of it is a token too.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

_VERSION = "c1"
_SHAPE = re.compile(r"c1\.([A-Za-z0-9_-]*)\.([0-9a-f]{8})", re.ASCII)
_OF_ANY_VERSION = re.compile(r"c[0-9]+\.", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The last change of one stream that a reader has, 0 for none.

    ``born`` is when the stream was first made known, in microseconds since 1970: a database that was
    made anew counts from 1 again, and its numbers mean other changes. None: the reader did not say.
    """

    seq: int
    born: int | None = None


@dataclass(frozen=True, slots=True)
class FeedToken:
    """Where a reader stands in each stream; a stream that is not named is at its beginning."""

    bookmarks: Mapping[str, Bookmark] = field(default_factory=dict)

    def at(self, stream: str) -> Bookmark:
        """Where the reader stands in one stream."""
        return self.bookmarks.get(stream, Bookmark(0))

    def moved(self, streams: Mapping[str, Bookmark]) -> FeedToken:
        """With these streams elsewhere, and every other where it was, whether we know it or not."""
        return FeedToken({**self.bookmarks, **streams})

    def past(self, stream: str, seq: int) -> FeedToken:
        """Behind one more change."""
        return self.moved({stream: replace(self.at(stream), seq=seq)})

    def __str__(self) -> str:
        body = {name: [mark.seq, mark.born] for name, mark in sorted(self.bookmarks.items())}
        packed = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        signed = f"{_VERSION}.{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"
        return f"{signed}.{_checksum(signed)}"


def read_token(text: str) -> FeedToken:
    """The token that ``text`` is. Raises ValueError that says what is wrong with it."""
    found = _SHAPE.fullmatch(text.strip())
    if found is None:
        raise ValueError(_complaint(text.strip()))
    body, checksum = found.groups()
    if _checksum(f"{_VERSION}.{body}") != checksum:
        raise ValueError("the token is damaged: its checksum does not fit")
    packed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    return FeedToken({name: Bookmark(seq, born) for name, (seq, born) in json.loads(packed).items()})


def _complaint(text: str) -> str:
    if text.startswith(f"{_VERSION}."):
        return "the token is cut off or damaged: its checksum is missing"
    if _OF_ANY_VERSION.match(text):
        version = text.partition(".")[0]
        return f"the token is of version {version}, and this program reads {_VERSION}"
    return f"{text!r} is no token"


def _checksum(text: str) -> str:
    return f"{binascii.crc32(text.encode()):08x}"
