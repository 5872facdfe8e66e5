"""A bearer token (RFC 6750 §2.1): whoever holds it may ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from poller.core.model import Reveal, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Sends ``Authorization: Bearer <token>`` with each request."""

    token: Secret = field(metadata={"doc": "the token, without the word Bearer: env:NAME or file:/path"})

    def headers(self, reveal: Reveal) -> Sequence[tuple[str, str]]:
        return (("Authorization", f"Bearer {reveal(self.token)}"),)
