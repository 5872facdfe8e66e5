"""How long a server keeps us away: Retry-After, and the many headers that say how many requests are left.

Three families have plain numbers (``RateLimit-``, ``X-RateLimit-`` and ``X-Rate-Limit-`` with
``Limit``, ``Remaining``, ``Reset``). ``RateLimit`` alone is the structured field of the IETF draft
(draft-ietf-httpapi-ratelimit-headers): ``"burst";r=0;t=3, "daily";r=900;t=40000``, or in its older
form ``limit=10, remaining=0, reset=3``; ``RateLimit-Policy`` has the window of each name.

Only what says "none left, until then" is acted on, on whatever status. A 429 that says neither
Retry-After nor "none left" is taken at its reset. What cannot be read asks for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from poller.core.page import Response
from poller.core.position import SECOND, from_datetime
from poller.core.retry_after import http_date, wait_seconds

LONGEST = 86_400.0
"""Seconds. A longer reset is asked about once a day: it may be milliseconds, or a mistake."""

WIDEST = 1_000
"""Characters of a field that are still a list of limits, and no attack on the reader of lists."""

_FAMILIES = ("ratelimit-", "x-ratelimit-", "x-rate-limit-")
_EPOCH_FROM = 1_000_000_000.0
_MILLISECONDS_FROM = 100_000_000_000.0
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?")
_MEMBER = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^",])+')
_PART = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^";])+')


@dataclass(frozen=True, slots=True)
class Pause:
    """The source is not to be asked for ``seconds``; ``why`` finishes "HTTP 200 …"."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class _Quota:
    """What one family, or one policy, says. ``left`` and ``reset`` (seconds) None: nothing."""

    name: str
    left: float | None
    reset: float | None


def pause_of(response: Response) -> Pause | None:
    """The longest time for which the response keeps us away; None when it does not."""
    asked = wait_seconds(response)
    quotas = _quotas(response)
    found = [] if asked is None else [Pause(asked, f"asked for {asked:g} s")]
    found += [_spent(each, each.reset) for each in quotas if each.left == 0 and each.reset is not None]
    if not found and response.status == 429:  # noqa: PLR2004 (RFC 6585 §4)
        found += _narrowest(quotas)
    return max((each for each in found if each.seconds > 0), key=lambda each: each.seconds, default=None)


def _spent(quota: _Quota, reset: float) -> Pause:
    return Pause(reset, f"left no request for {reset:g} s ({quota.name})")


def _narrowest(quotas: Sequence[_Quota]) -> Iterator[Pause]:
    """Of the quotas that are not used up by their own account, the one that is nearest to it."""
    known = [each for each in quotas if each.reset is not None]
    fewest = min((each.left for each in known if each.left is not None), default=None)
    for each in known:
        if each.left == fewest and each.reset is not None:
            yield Pause(each.reset, f"has a reset in {each.reset:g} s ({each.name})")


def _quotas(response: Response) -> list[_Quota]:
    found = [_of_family(response, family) for family in _FAMILIES]
    return [*(each for each in found if each is not None), *_of_draft(response)]


def _of_family(response: Response, family: str) -> _Quota | None:
    """None when it is not sent, or when a limit of 0 says that there is none."""
    limits = _numbers(response, family + "limit")
    if limits and not any(limits):
        return None
    left = min(_numbers(response, family + "remaining"), default=None)
    resets = [_reset(response, value) for value in _values(response, family + "reset")]
    reset = max((each for each in resets if each is not None), default=None)
    return None if reset is None else _Quota(family + "reset", left, reset)


def _of_draft(response: Response) -> Iterator[_Quota]:
    windows = {name: _number(params.get("w")) for name, params in _members(response, "ratelimit-policy")}
    older: dict[str, float] = {}
    for name, params in _members(response, "ratelimit"):
        if name is None:
            older |= {key: number for key, text in params.items() if (number := _number(text)) is not None}
            continue
        reset = _number(params.get("t"))
        reset = windows.get(name) if reset is None else reset
        yield _Quota(f"ratelimit {name}", _number(params.get("r")), None if reset is None else _capped(reset))
    if "reset" in older and older.get("limit") != 0:
        yield _Quota("ratelimit", older.get("remaining"), _capped(older["reset"]))


def _members(response: Response, header: str) -> Iterator[tuple[str | None, dict[str, str]]]:
    """The members of a structured list (RFC 8941 §3.1): the name and its parameters.

    A member that is a key with a value has no name, and itself for a parameter.
    """
    for value in _values(response, header):
        for member in _MEMBER.findall(value):
            first, *params = [part.strip() for part in _PART.findall(member)] or [""]
            pairs = dict(part.lower().split("=", 1) for part in params if "=" in part)
            if "=" in first and not first.startswith('"'):
                key, _, text = first.lower().partition("=")
                yield None, {key.strip(): text.strip()}
            else:
                yield first, pairs


def _reset(response: Response, value: str) -> float | None:
    """Seconds from the answer to the reset; None for garbage.

    A moment (epoch seconds, milliseconds or an HTTP-date) is taken relative to the server's own
    ``Date``, and to our clock at the start of the request when there is none.
    """
    clock = response.date if response.date is not None else from_datetime(response.requested_at)
    moment = http_date(value) if _number(value) is None else None
    if moment is not None:
        return _capped((moment - clock) / SECOND)
    numbers = [number for part in value.split(",") if (number := _number(part)) is not None]
    if not numbers:
        return None
    longest = max(numbers)
    if longest < _EPOCH_FROM:
        return _capped(longest)
    seconds = longest / 1000 if longest >= _MILLISECONDS_FROM else longest
    return _capped(seconds - clock / SECOND)


def _numbers(response: Response, header: str) -> list[float]:
    texts = (part.partition(";")[0] for value in _values(response, header) for part in value.split(","))
    return [number for text in texts if (number := _number(text)) is not None]


def _values(response: Response, header: str) -> Iterator[str]:
    return (value for name, value in response.headers if name == header and len(value) <= WIDEST)


def _number(text: str | None) -> float | None:
    """None when it is negative (some APIs mean "unlimited"), garbage, or not there."""
    stripped = "" if text is None else text.strip()
    return float(stripped) if _NUMBER.fullmatch(stripped) else None


def _capped(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST)
