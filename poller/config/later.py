"""Settings that are described and not built yet: they are refused by name, never ignored."""

from __future__ import annotations

from poller.config.places import KeyPath

NOT_YET = "is not supported yet in this version"

_OTHERWISE_RENEWED = (
    'keep a fresh token in a file by other means, and use { type = "bearer", token = "file:/path" }'
)

_BY_LEVEL: dict[str, dict[str, str]] = {
    "source": {
        "references": "remove it; requests go out without references of ours",
        "usage_headers": "remove it; usage headers are not recorded",
    },
    "stream": {
        "parent": "remove the stream; an endpoint per parent cannot be mirrored with this version",
        "expect": "remove it, and watch `poller status`",
        "fresh_for": 'remove it and use a longer schedule, such as "24h"',
    },
    "since": {"token": "remove it; positions are timestamps in this version"},
}
_TYPES: dict[str, dict[str, str]] = {
    "page": {
        "none": 'if there is one page only, use { type = "next_url", next = "none" }: it ends without one',
        "page": "if the API also takes an offset, a cursor or next URLs, use that",
        "link": 'if the API also gives the next URL elsewhere, use type = "next_url"',
    },
    "auth": {
        "basic": 'send it as it is: { type = "api_key", header = "Authorization", value = "env:BASIC" }',
        "oauth2_client_credentials": _OTHERWISE_RENEWED,
        "login": _OTHERWISE_RENEWED,
    },
    "kind": {
        "integer": "leave since out, so that every poll reads everything",
        "token": "leave since out, so that every poll reads everything",
    },
    "deletes": dict.fromkeys(("flag", "feed", "sweep"), 'use mode = "none"; deleted rows stay in the mirror'),
}
_LEVELS = {3: "source", 5: "stream", 6: "since"}


def hint_for_key(path: KeyPath) -> str | None:
    """What to do without the key at ``path``; None when no later version has it either."""
    level = _LEVELS.get(len(path))
    if path[:1] != ("sources",) or level is None:
        return None
    if level == "since" and path[4] != "since":
        return None
    return _BY_LEVEL[level].get(str(path[-1]))


def hint_for_choice(option: str, chosen: object) -> str | None:
    """What to do without ``option = chosen``; ``option`` is ``page``, ``auth``, ``kind`` or ``deletes``."""
    return _TYPES[option].get(chosen) if isinstance(chosen, str) else None
