"""Shows a request as a curl line that can be pasted into a shell, and its answer as one line below it."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

from poller.http.redact import HIDDEN

LONGEST_BODY = 10_000
"""Bytes of a request body that are shown."""


def as_curl(
    method: str,
    url: str,
    headers: Sequence[tuple[str, str]],
    body: bytes | None = None,
    *,
    hidden: Collection[str] = (),
) -> str:
    """The request as one curl command. The values of headers named in ``hidden`` (any case) are replaced."""
    secret = {name.lower() for name in hidden}
    words = ["curl", "--compressed"]
    if method != "GET":
        words += ["-X", method]
    words.append(url)
    for name, value in headers:
        if name.lower() not in ("accept-encoding", "host", "content-length"):
            words += ["-H", f"{name}: {HIDDEN if name.lower() in secret else value}"]
    if body is not None:
        words += ["--data-raw", _text(body)]
    return shlex.join(words)


def as_answer(  # one line of six facts
    status: int | None,
    seconds: float,
    wire: int,
    decoded: int | None,
    request_id: str | None,
    error: str | None,
) -> str:
    """``# 200 in 0.213 s, 1,234 bytes (12,345 decoded), request ID abc``; a shell takes it for a comment."""
    line = f"# {status if status is not None else 'no answer'} in {seconds:.3f} s, {wire:,} bytes"
    line += f" ({decoded:,} decoded)" if decoded is not None and decoded != wire else ""
    line += f", request ID {request_id}" if request_id is not None else ""
    return " ".join((line + (f": {error}" if error is not None else "")).split())


def _text(body: bytes) -> str:
    shown = body[:LONGEST_BODY].decode("utf-8", "replace")
    rest = len(body) - LONGEST_BODY
    return f"{shown}… ({rest:,} bytes more)" if rest > 0 else shown
