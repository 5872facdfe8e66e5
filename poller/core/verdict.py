"""What a response means: a page, try again, start over, or the end of the run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from poller.core.document import Document, ShapeError, read_document
from poller.core.errors import Category
from poller.core.model import BodyCodes, Stream
from poller.core.page import Ending, Page, Response
from poller.core.records import read_page
from poller.core.retry_after import wait_seconds
from poller.core.steps import Declined, Expired, Fetch
from poller.core.validators import is_conditional, validators_of

KEPT = 65_536
"""Bytes of an offending body that are worth keeping."""


@dataclass(frozen=True, slots=True)
class Again:
    """Worth repeating. ``wait`` seconds were asked for by the server; None leaves it to the backoff.

    ``kept`` is the body when it should be kept as a dead page once the attempts are used up.
    """

    category: Category
    reason: str
    wait: float | None = None
    kept: bytes | None = None


@dataclass(frozen=True, slots=True)
class Renew:
    """401: read the credential again or renew it, once, and repeat the request once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fatal:
    """Repeating cannot help; the run fails with this category and says what to do."""

    category: Category
    reason: str
    hint: str | None = None
    kept: bytes | None = None


Verdict = Page | Again | Renew | Fatal | Expired | Declined

CURSOR_REFUSED = frozenset({400, 404, 410, 422})
"""Ways to say that a cursor is no longer known; 410 is the honest one (RFC 9110 §15.5.11)."""

BEHIND_THE_LAST = (
    "if the API refuses the page behind the last one, name page.pages or page.total, so that poller knows "
    "where the listing ends; if it refuses deep pages, ask for larger ones"
)

HINTS = {
    400: "the request itself is wrong: compare path, params and body with the vendor's documentation",
    403: "the credential works but may not read this: ask for a wider scope or role",
    404: "no such endpoint: check base_url and path",
    405: "wrong method: check method",
    406: "the API cannot answer in JSON here: check headers.Accept",
    415: "the API wants another content type: check headers and body",
    422: "the API understood the request and refuses its values: check params and body",
}


def judge(stream: Stream, fetch: Fetch, response: Response) -> Verdict:
    """Classify one complete response to ``fetch``."""
    if response.status == 304:  # noqa: PLR2004 (RFC 9110 §15.4.5)
        return _unmodified(fetch, response)
    if not 200 <= response.status <= 299:  # noqa: PLR2004 (RFC 9110 §15.3)
        return _refusal(stream, fetch, response)
    try:
        document = read_document(response.body, stream.records)
        coded = _body_code(stream.errors, document, response)
        if coded is not None:
            return coded
        page = read_page(stream, response, document)
        return replace(page, validators=validators_of(fetch.request, response))
    except ShapeError as error:
        kind = response.header("content-type") or "no content type"
        return Again(
            Category.SHAPE,
            f"HTTP {response.status} ({kind}) is no page: {error}",
            wait=wait_seconds(response),
            kept=response.body[:KEPT],
        )


def _unmodified(fetch: Fetch, response: Response) -> Verdict:
    """Nothing changed since the validators, or since the since that a header carries."""
    if not is_conditional(fetch.request):
        reason = "HTTP 304 (not modified) to a request that asked under no condition"
        return Again(Category.SHAPE, reason, wait_seconds(response))
    return Page(
        records=(),
        rejects=(),
        onward=Ending.LAST,
        rows=0,
        digest="",
        requested_at=response.requested_at,
        date=response.date,
        request_id=response.request_id,
        validators=fetch.validators,
    )


def _refusal(stream: Stream, fetch: Fetch, response: Response) -> Verdict:
    status, reason = response.status, f"HTTP {response.status}{_said(response)}"
    if status == 401:  # noqa: PLR2004
        return Renew(reason)
    if _is_expiry(fetch, status):
        return Expired(reason)
    if status in stream.retry.statuses:
        busy = status == 429  # noqa: PLR2004
        return Again(Category.RATE_LIMITED if busy else Category.SERVER, reason, wait_seconds(response))
    if fetch.optional and 400 <= status <= 499 and status != 403:  # noqa: PLR2004
        return Declined(reason)
    return _final(fetch, status, reason)


def _is_expiry(fetch: Fetch, status: int) -> bool:
    """Whether the token, or the cursor, that the request carried is not known any more."""
    return status in fetch.forgotten or (fetch.mid_scan and status in CURSOR_REFUSED)


def _final(fetch: Fetch, status: int, reason: str) -> Fatal:
    if status == 403:  # noqa: PLR2004
        return Fatal(Category.FORBIDDEN, reason, HINTS[403])
    if fetch.further and status in CURSOR_REFUSED:
        return Fatal(Category.REFUSED, f"a page behind the first was refused: {reason}", BEHIND_THE_LAST)
    if status >= 500:  # noqa: PLR2004
        return Fatal(Category.SERVER, reason, f"add {status} to retry.statuses if it passes by itself")
    return Fatal(Category.REFUSED, reason, HINTS.get(status))


def _body_code(codes: BodyCodes | None, document: Document, response: Response) -> Verdict | None:
    """The verdict of an error code inside a 200 body; None when the body reports no error."""
    code = None if codes is None else codes.status.find(document.around)
    if codes is None or code is None or code in codes.ok:
        return None
    message = codes.message.find(document.around) if codes.message is not None else None
    reason = f"HTTP {response.status} with {codes.status.text} = {code!r}"
    reason += f": {message!s:.2000}" if message is not None else ""
    if code in codes.retry:
        return Again(Category.RATE_LIMITED, reason, wait_seconds(response))
    return Fatal(
        Category.REFUSED, reason, "the API refused the operation inside a 200 answer; it is not repeated"
    )


def _said(response: Response) -> str:
    """The first words of an error body, on one line."""
    words = " ".join(response.body[:2000].decode("utf-8", "replace").split())
    return f": {words[:160]}" if words and not words.startswith("<") else ""
