"""One request on the wire and its complete, bounded answer: the only place where bytes are exchanged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import httpx

from poller.core.errors import Category
from poller.core.model import Limits
from poller.core.verdict import KEPT
from poller.http.body import Body, OutOfBounds, Undecodable
from poller.http.deadline import Deadline, TimedOut
from poller.http.transport import BROKEN

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response: ``headers`` with lower-case names, ``body`` decoded, ``wire`` bytes received."""

    status: int
    headers: Fields
    body: bytes
    wire: int


class Unanswered(Exception):
    """No complete answer came. ``status`` and ``headers`` are those of a broken one, else None and ()."""

    def __init__(
        self, category: Category, reason: str, status: int | None, headers: Fields, wire: int
    ) -> None:
        super().__init__(reason)
        self.category = category
        self.reason = reason
        self.status = status
        self.headers = headers
        self.wire = wire


class Redirected(Exception):
    """Raised inside httpx, before it would look at where the redirect leads."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.response = response


def exchange(client: httpx.Client, request: httpx.Request, limits: Limits, deadline: Deadline) -> Answer:
    """Send ``request`` and read its answer, under ``deadline``.

    The body of an answer that is no success, or is a redirect, is decoration: 64 KiB of it
    are read, and what goes wrong with it is not worth an error. Raises Unanswered (bounds,
    shape, unreachable) and Abandoned.
    """
    with deadline.governs():
        try:
            response = client.send(request, stream=True)
        except Redirected as redirect:
            return Answer(redirect.response.status_code, _fields(redirect.response), b"", 0)
        except (TimedOut, *BROKEN) as error:
            raise Unanswered(_category(error), _reason(error), None, (), 0) from error
        try:
            return _read(response, limits)
        finally:
            response.close()


def refuse_redirects(response: httpx.Response) -> None:
    """A response hook for the client: httpx must not even parse where a redirect leads."""
    if response.has_redirect_location:
        raise Redirected(response)


def _read(response: httpx.Response, limits: Limits) -> Answer:
    status, headers = response.status_code, _fields(response)
    wanted = response.is_success
    body: Body | None = None
    try:
        body = Body(
            response.headers.get("content-encoding"),
            response.headers.get("content-length") if wanted else None,
            limits if wanted else replace(limits, decoded=KEPT),
        )
        for chunk in response.iter_raw():
            body.feed(chunk)
        return Answer(status, headers, body.finish(), body.wire)
    except (OutOfBounds, Undecodable, TimedOut, *BROKEN) as error:
        wire = 0 if body is None else body.wire
        if wanted:
            raise Unanswered(_category(error), _reason(error), status, headers, wire) from error
        return Answer(status, headers, b"" if body is None else body.so_far(), wire)


def _category(error: Exception) -> Category:
    if isinstance(error, OutOfBounds) or _is_overlong(error):
        return Category.BOUNDS
    return Category.SHAPE if isinstance(error, Undecodable) else Category.UNREACHABLE


def _reason(error: Exception) -> str:
    if _is_overlong(error):
        return "the headers of the answer are over 100 KB"
    return str(error) or type(error).__name__


def _is_overlong(error: Exception) -> bool:
    """Whether h11 gave up on a header section, or on the line before a chunk, that does not end."""
    return any(getattr(each, "error_status_hint", None) == 431 for each in error.args)  # noqa: PLR2004


def _fields(response: httpx.Response) -> Fields:
    return tuple((name.lower(), value) for name, value in response.headers.multi_items())
