"""What an answer is known again by, and how a request asks whether it still stands (RFC 9110 §8.8, §13.1).

Only a listing that was read in one page can be asked for conditionally: a change on a further
page would not change the first one.
"""

from __future__ import annotations

from dataclasses import asdict, replace

import msgspec
from xxhash import xxh3_128_hexdigest

from poller.core.page import Response, Validators
from poller.core.position import SECOND
from poller.core.request import Request
from poller.core.retry_after import http_date

SETTLED = 60 * SECOND
"""Nanoseconds. A Last-Modified younger than this at the moment of the answer may hide a second change
within the same second (RFC 9110 §8.8.2.2)."""

CONDITIONS = frozenset({"if-none-match", "if-modified-since"})


def validators_of(request: Request, response: Response) -> Validators | None:
    """What the answer to ``request`` is known again by; None when the API gives nothing that is safe."""
    etag, modified = response.header("etag"), response.header("last-modified")
    if etag is None and not _is_settled(modified, response):
        return None
    name = name_of(request)
    return Validators(name, etag) if etag is not None else Validators(name, None, modified)


def conditional(request: Request, known: Validators | None) -> Request | None:
    """``request`` with its condition; None when it is another request, or has conditions of its own."""
    if known is None or known.request != name_of(request) or is_conditional(request):
        return None
    field = (
        ("If-None-Match", known.etag)
        if known.etag is not None
        else ("If-Modified-Since", known.last_modified)
    )
    return replace(request, headers=(*request.headers, (field[0], field[1] or "")))


def is_conditional(request: Request) -> bool:
    """Whether the request says itself under which condition it wants an answer."""
    return any(name.lower() in CONDITIONS for name, _ in request.headers)


def name_of(request: Request) -> str:
    """The same text for the same request, whatever its condition; it holds nothing of the request itself."""
    plain = tuple(field for field in request.headers if field[0].lower() not in CONDITIONS)
    return xxh3_128_hexdigest(msgspec.json.encode(asdict(replace(request, headers=plain))))


def encode(known: Validators | None) -> str | None:
    """As text, for the memory."""
    return None if known is None else msgspec.json.encode(known).decode()


def decode(text: str | None) -> Validators | None:
    """The inverse of :func:`encode`; None for what another version wrote."""
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Validators)
    except msgspec.MsgspecError:
        return None


def _is_settled(modified: str | None, response: Response) -> bool:
    moment = None if modified is None else http_date(modified)
    return moment is not None and response.date is not None and response.date - moment >= SETTLED
