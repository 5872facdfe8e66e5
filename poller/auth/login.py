"""A session token from a login request to the API itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from typing import Any, Literal

from poller.core.model import Reveal, Secret
from poller.core.page import Response
from poller.core.path import Header, Lookup
from poller.core.tokens import Token, TokenRequest, ends_at, found, token_text

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Sends ``body`` as JSON to ``path``, and the token of the answer with each request.

    The token is kept in ``daemon.state_dir`` and renewed before its end; without ``lifetime``
    and ``expires`` it is used until it is refused. Raises ValueError for options that do not
    fit together.
    """

    path: str = field(metadata={"doc": "path of the login below base_url"})
    body: Mapping[str, Any] = field(
        metadata={"doc": "JSON to send; any text in it may be a reference: env:NAME or file:/path"}
    )
    method: Literal["POST", "PUT"] = field(default="POST", metadata={"doc": "how the login is asked"})
    token: Lookup = field(metadata={"doc": "where the answer has the token"})
    lifetime: timedelta | None = field(
        default=None, metadata={"doc": "how long a token lives, if that is fixed"}
    )
    expires: Lookup | None = field(
        default=None,
        metadata={
            "doc": "where the answer says when the token ends: an RFC 3339 timestamp, Unix seconds"
            " (from 10^9) or milliseconds (from 10^11), or a smaller number of seconds from now"
        },
    )
    header: str = field(
        default="Authorization", metadata={"doc": "name of the request header that carries the token"}
    )
    prefix: str = field(
        default="Bearer ", metadata={"doc": "what stands before the token in it", "form": "any text"}
    )

    def __post_init__(self) -> None:
        if not re.fullmatch(r"/[!-~]*", self.path) or any(mark in self.path for mark in "?#"):
            raise ValueError(
                'path must be a path below base_url without a query: write it as path = "/auth/login"'
            )
        if self.lifetime is not None and self.expires is not None:
            raise ValueError("lifetime and expires contradict each other: give one of them")
        if not _NAME.fullmatch(self.header):
            raise ValueError(f"header = {self.header!r} is no header name: use letters, digits and hyphens")
        if not self.prefix.isascii() or (self.prefix != "" and not self.prefix.isprintable()):
            raise ValueError("prefix cannot stand in a header: use printable ASCII on one line")

    @property
    def target(self) -> str:
        return self.path

    @property
    def identity(self) -> tuple[str, ...]:
        named = _revealed(self.body, _mark)
        return ("login", self.method, self.path, json.dumps(named, ensure_ascii=False, sort_keys=True))

    def asks(self, reveal: Reveal) -> TokenRequest:
        sent = json.dumps(_revealed(self.body, reveal), ensure_ascii=False)
        return TokenRequest(self.method, self.path, (), sent.encode("utf-8", "surrogatepass"))

    def issued(self, response: Response) -> Token:
        value = token_text(found(response, self.token), _written(self.token))
        if self.lifetime is not None:
            return Token(value, response.requested_at, response.requested_at + self.lifetime)
        if self.expires is None:
            return Token(value, response.requested_at)
        ends = found(response, self.expires)
        if ends is None:
            raise ValueError(f"the answer does not say at {_written(self.expires)} when the token ends")
        return Token(value, response.requested_at, ends_at(ends, response))

    def shown(self, token: Token) -> Sequence[tuple[str, str]]:
        return ((self.header, self.prefix + token.value),)


def _revealed(value: Any, reveal: Reveal) -> Any:  # noqa: ANN401 (any JSON value)
    """``value`` with each secret read."""
    if isinstance(value, Secret):
        return reveal(value)
    if isinstance(value, Mapping):
        return {name: _revealed(member, reveal) for name, member in value.items()}
    return [_revealed(element, reveal) for element in value] if isinstance(value, list) else value


def _mark(secret: Secret) -> str:
    """Tells one reference from another, and does not show one that is the secret itself."""
    return blake2b(secret.reference.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _written(where: Lookup) -> str:
    return f"header:{where.name}" if isinstance(where, Header) else where.text
