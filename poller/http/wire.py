"""What goes over the wire: the request of the core with our headers, its size checked before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import httpx

from poller import __version__
from poller.core.errors import Category, FetchError
from poller.core.model import Source
from poller.core.request import Request
from poller.http.identity import Identity

FRAMING = frozenset({"accept-encoding", "connection", "content-length", "host", "transfer-encoding"})
"""Headers that are ours alone: what we can decode, and where a message begins and ends."""


def to_wire(
    source: Source, request: Request, url: httpx.URL, identity: Identity, timeout: timedelta
) -> httpx.Request:
    """The request to send. Later headers win: defaults, source, request, and the credentials last.

    Raises FetchError for a body over ``limits.request`` and for a header that cannot be sent.
    """
    if request.body is not None and len(request.body) > source.limits.request:
        raise FetchError(
            Category.BOUNDS,
            f"{source.name}: the request body of {len(request.body):,} bytes is over limits.request "
            f"({source.limits.request:,} bytes); it was not sent",
            hint="ask for less at once: a smaller page.size",
        )
    headers = {
        "accept": ("Accept", "application/json"),
        "user-agent": ("User-Agent", f"poller/{__version__}"),
    }
    if request.body is not None:
        headers["content-type"] = ("Content-Type", "application/json")
    for name, value in (*identity.headers, *request.headers, *identity.own, *identity.proof):
        headers[name.lower()] = (name, _fit(source, name, value))
    ours = [("Accept-Encoding", "gzip"), ("Connection", "keep-alive")]
    return httpx.Request(
        request.method,
        url,
        headers=[*(field for key, field in headers.items() if key not in FRAMING), *ours],
        content=request.body,
        extensions={"timeout": {"pool": timeout.total_seconds()}},
    )


def fields_of(request: httpx.Request) -> Sequence[tuple[str, str]]:
    """The header fields as they go out, names as they were written."""
    return [(name.decode("ascii"), value.decode("ascii")) for name, value in request.headers.raw]


def _fit(source: Source, name: str, value: str) -> str:
    """``value`` if it can stand in a header (RFC 9110 §5.5). It may be a secret: the message hides it."""
    if value.isascii() and (value.isprintable() or value.replace("\t", "").isprintable()):
        return value.strip()
    raise FetchError(
        Category.REFUSED,
        f"{source.name}: the value of header {name} has a character that no header may carry; "
        "nothing was sent",
        hint="headers are printable ASCII on one line",
    )
