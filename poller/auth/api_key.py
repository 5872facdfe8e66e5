"""A key in a header of the vendor's choosing. A key in the query would end in logs and is not offered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from poller.core.model import Reveal, Secret

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """Sends ``header: value`` with each request. Raises ValueError when ``header`` is no header name."""

    header: str = field(
        default="X-API-Key", metadata={"doc": "name of the request header that carries the key"}
    )
    value: Secret = field(metadata={"doc": "the key: env:NAME or file:/path"})

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.header):
            raise ValueError(f"header = {self.header!r} is no header name: use letters, digits and hyphens")

    def headers(self, reveal: Reveal) -> Sequence[tuple[str, str]]:
        return ((self.header, reveal(self.value)),)
