"""Collects a response body within bounds: bytes on the wire, bytes decoded, and how far they are apart.

httpx would inflate each chunk at once, whatever comes out; here the inflater gives a piece
at a time and is stopped at the bound. A gzip stream that is cut before its trailer, or that
is followed by garbage, is an error (RFC 1952 §2.2, §2.3.1).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from poller.core.model import Limits

PIECE = 262_144
"""Bytes that the inflater may give at a time."""

RATIO_FROM = 1_000_000
"""Decoded bytes from which the ratio counts: a small, dull page compresses better than any bomb."""

HELD = 32_000_000
"""Decoded bytes that are held before the end has come. A body that swells beyond is only counted from there,
and inflated again from what came over the wire once it is known to be within the limits: a bomb costs its
own size, not its victim's."""

GZIP = 31
"""zlib's window bits for the gzip format alone."""


class OutOfBounds(Exception):
    """The body is larger than the limits allow; the message says which limit."""


class Undecodable(Exception):
    """The body is not what its Content-Encoding says."""


class Body:
    """One body, fed chunk by chunk. ``wire`` counts the bytes received.

    ``encoding`` is the Content-Encoding header (None without one), ``length`` the
    Content-Length (None when unknown): what announces itself as too large is not read.
    Raises Undecodable for an encoding other than gzip, which is all that we ask for.
    """

    def __init__(self, encoding: str | None, length: str | None, limits: Limits) -> None:
        self.wire = 0
        self._limits = limits
        self._pieces: list[bytes] = []
        self._packed: list[bytes] = []
        self._decoded = 0
        self._inflater = _Inflater() if _is_gzip(encoding) else None
        if length is not None and length.isascii() and length.isdigit() and int(length) > limits.wire:
            raise OutOfBounds(_too_large(f"{int(length):,} bytes announced", "wire", limits.wire))

    def feed(self, chunk: bytes) -> None:
        """Take one chunk from the wire. Raises OutOfBounds, Undecodable."""
        self.wire += len(chunk)
        if self.wire > self._limits.wire:
            raise OutOfBounds(_too_large("the body", "wire", self._limits.wire))
        if self._inflater is None:
            self._keep(chunk)
            return
        self._packed.append(chunk)
        for piece in self._inflater.inflated(chunk):
            self._keep(piece)

    def finish(self) -> bytes:
        """The whole decoded body. Raises Undecodable when its gzip stream is cut."""
        if self._inflater is not None and self.wire > 0 and not self._inflater.at_end:
            raise Undecodable(f"the gzip body is cut short after {self.wire:,} bytes")
        return self.so_far()

    def so_far(self) -> bytes:
        """What was decoded until now, up to its limit."""
        if not self._is_only_counted:
            return b"".join(self._pieces)
        anew = _Inflater()
        pieces = (piece for chunk in self._packed for piece in anew.inflated(chunk))
        return b"".join(pieces)[: self._limits.decoded]

    @property
    def _is_only_counted(self) -> bool:
        return self._inflater is not None and self._decoded > HELD

    def _keep(self, piece: bytes) -> None:
        self._decoded += len(piece)
        if self._decoded > self._limits.decoded:
            self._pieces.append(piece[: self._limits.decoded - self._decoded])
            raise OutOfBounds(_too_large("the decoded body", "decoded", self._limits.decoded))
        if self._decoded > max(RATIO_FROM, self._limits.ratio * self.wire):
            raise OutOfBounds(
                f"the body inflates to over {self._limits.ratio} times its {self.wire:,} bytes (limits.ratio)"
            )
        if self._is_only_counted:
            self._pieces.clear()
        else:
            self._pieces.append(piece)


class _Inflater:
    """gzip, member after member."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(GZIP)
        self.at_end = False
        """Whether the stream may end here: a member is complete and none is begun."""

    def inflated(self, chunk: bytes) -> Iterator[bytes]:
        """What ``chunk`` decodes to, at most :data:`PIECE` bytes at a time."""
        rest = chunk
        while rest:
            piece, rest = self._inflate(rest)
            yield piece

    def _inflate(self, chunk: bytes) -> tuple[bytes, bytes]:
        """At most :data:`PIECE` decoded bytes, and what is left of ``chunk``."""
        try:
            piece = self._member.decompress(chunk, PIECE)
        except zlib.error as error:
            raise Undecodable(f"the body is no gzip, or is followed by garbage: {error}") from error
        if not self._member.eof:
            self.at_end = False
            return piece, self._member.unconsumed_tail
        rest = self._member.unused_data
        self._member = zlib.decompressobj(GZIP)
        self.at_end = True
        return piece, rest


def _is_gzip(encoding: str | None) -> bool:
    names = [name.strip().lower() for name in (encoding or "").split(",")]
    real = [name for name in names if name not in ("", "identity")]
    if real not in ([], ["gzip"], ["x-gzip"]):
        raise Undecodable(f"Content-Encoding: {encoding} was not asked for; only gzip is")
    return bool(real)


def _too_large(what: str, limit: str, size: int) -> str:
    return f"{what} is over limits.{limit} ({size:,} bytes)"
