"""User name and password with each request (RFC 7617), in UTF-8."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

from poller.core.errors import SettingsError
from poller.core.model import Reveal, Secret

_COLON = "a user name cannot hold a colon (RFC 7617 §2): give the part before it, or use another type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basic:
    """Sends ``Authorization: Basic …`` with each request. Raises ValueError for a user name with a colon."""

    username: str | Secret = field(metadata={"doc": "the user name, or a reference: env:NAME or file:/path"})
    password: Secret = field(metadata={"doc": "the password: env:NAME or file:/path"})

    def __post_init__(self) -> None:
        if isinstance(self.username, str) and ":" in self.username:
            raise ValueError(_COLON)

    def headers(self, reveal: Reveal) -> Sequence[tuple[str, str]]:
        username = reveal(self.username) if isinstance(self.username, Secret) else self.username
        if ":" in username:
            raise SettingsError(_COLON)
        pair = f"{username}:{reveal(self.password)}".encode()
        return (("Authorization", f"Basic {base64.b64encode(pair).decode('ascii')}"),)
