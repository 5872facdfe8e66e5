"""Settings that are described and not built yet: they are refused by name, never ignored."""

from __future__ import annotations

from poller.config.places import KeyPath

NOT_YET = "is not supported yet in this version"

_BY_LEVEL: dict[str, dict[str, str]] = {
    "source": {
        "references": "remove it; requests go out without references of ours",
    },
    "stream": {
        "parent": "remove the stream; an endpoint per parent cannot be mirrored with this version",
        "expect": "remove it, and watch `poller status`",
        "fresh_for": 'remove it and use a longer schedule, such as "24h"',
    },
}
_TYPES: dict[str, dict[str, str]] = {
    "deletes": {"sweep": 'use mode = "none"; deleted rows stay in the mirror'},
}
_LEVELS = {3: "source", 5: "stream"}


def hint_for_key(path: KeyPath) -> str | None:
    """What to do without the key at ``path``; None when no later version has it either."""
    level = _LEVELS.get(len(path))
    if path[:1] != ("sources",) or level is None:
        return None
    return _BY_LEVEL[level].get(str(path[-1]))


def hint_for_choice(option: str, chosen: object) -> str | None:
    """What to do without ``option = chosen``; ``option`` is ``page``, ``auth`` or ``deletes``."""
    return _TYPES.get(option, {}).get(chosen) if isinstance(chosen, str) else None
