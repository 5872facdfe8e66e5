"""A token for the program itself, not for a user (OAuth 2.0 client credentials, RFC 6749 §4.4)."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote_plus, urlencode

from poller.core.model import Reveal, Secret
from poller.core.page import Response
from poller.core.path import Path
from poller.core.tokens import Token, TokenRequest, document_of, ends_after, token_text

_LIFE, _TOKEN = Path("expires_in"), Path("access_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """Asks ``token_url`` for a token and sends it as ``Authorization: Bearer <token>``.

    The token is kept in ``daemon.state_dir`` and renewed before ``expires_in`` is over; an
    answer without one is used until it is refused.
    """

    token_url: str = field(
        metadata={"doc": "where tokens are issued; may be another host than base_url", "form": "url"}
    )
    client_id: str | Secret = field(metadata={"doc": "the client, or a reference: env:NAME or file:/path"})
    client_secret: Secret = field(metadata={"doc": "its secret: env:NAME or file:/path"})
    scope: str | None = field(
        default=None, metadata={"doc": "what the token is to allow, words separated by spaces"}
    )
    audience: str | None = field(
        default=None, metadata={"doc": "for whom the token is, where the vendor asks for it"}
    )
    auth_style: Literal["basic", "body"] = field(
        default="basic",
        metadata={"doc": "how id and secret are sent: basic in the Authorization header, body in the form"},
    )

    @property
    def target(self) -> str:
        return self.token_url

    @property
    def identity(self) -> tuple[str, ...]:
        client = self.client_id if isinstance(self.client_id, str) else self.client_id.reference
        return ("oauth2_client_credentials", self.token_url, client, json.dumps([self.scope, self.audience]))

    def asks(self, reveal: Reveal) -> TokenRequest:
        """RFC 6749 §2.3.1: under basic, id and secret are form-encoded each before they are joined."""
        client = self.client_id if isinstance(self.client_id, str) else reveal(self.client_id)
        secret = reveal(self.client_secret)
        form = {"grant_type": "client_credentials", "scope": self.scope, "audience": self.audience}
        headers = [("Accept", "application/json")]
        if self.auth_style == "basic":
            pair = f"{quote_plus(client)}:{quote_plus(secret)}".encode("ascii")
            headers.append(("Authorization", f"Basic {base64.b64encode(pair).decode('ascii')}"))
        else:
            form |= {"client_id": client, "client_secret": secret}
        sent = urlencode({name: value for name, value in form.items() if value is not None})
        return TokenRequest(
            "POST",
            self.token_url,
            tuple(headers),
            sent.encode("ascii"),
            "application/x-www-form-urlencoded",
        )

    def issued(self, response: Response) -> Token:
        """RFC 6749 §5.1. A missing ``token_type`` is taken for the only one that can be sent."""
        answer = document_of(response)
        value = token_text(_TOKEN.find(answer), "access_token")
        kind = answer.get("token_type") or "bearer"
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise ValueError("the token is no bearer token (token_type), and no other can be sent")
        life = _LIFE.find(answer)
        ends = None if life is None else ends_after(life, response)
        return Token(value, response.requested_at, ends)

    def shown(self, token: Token) -> Sequence[tuple[str, str]]:
        return (("Authorization", f"Bearer {token.value}"),)
