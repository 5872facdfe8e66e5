"""What a request says about who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from poller.core.tokens import Token

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """The header fields of one reading. ``reading`` counts the readings from 1."""

    reading: int
    headers: Fields
    """The source's own headers, secrets revealed."""
    own: Fields
    """The headers with secrets of the stream alone."""
    proof: Fields
    """The headers of ``auth``."""
    hidden: frozenset[str]
    """Names, lower case, of the headers that carry a secret."""
    token: Token | None = None
    """What ``proof`` carries; None when that is no token."""

    def is_over(self, now: datetime) -> bool:
        """Whether its token has ended."""
        return self.token is not None and not self.token.is_valid(now)
