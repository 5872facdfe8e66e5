"""On whose behalf a token is asked for: the request that needs it, with its line, patience and notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poller.core.model import Stream
from poller.core.runs import Attempt
from poller.http.patience import Patience

if TYPE_CHECKING:
    from poller.http.conversation import Line


@dataclass(frozen=True, slots=True)
class Errand:
    """What a token request shares with the request that needs the token."""

    line: Line
    stream: Stream
    patience: Patience
    note: Callable[[Attempt], None]
