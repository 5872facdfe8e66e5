"""No credentials: a public API, or one that trusts the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poller.core.model import Reveal


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAuth:
    """Sends nothing about who asks."""

    def headers(self, reveal: Reveal) -> Sequence[tuple[str, str]]:
        return ()
