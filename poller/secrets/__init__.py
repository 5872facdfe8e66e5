"""Where secrets are kept, one file per scheme: adding a file adds a ``scheme:`` to references.

A file is named as its scheme and defines one frozen dataclass that is built with what
follows the colon and has ``read() -> str``. A text with no known scheme is the secret itself.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Protocol

from poller.core import discovery
from poller.core.errors import SettingsError
from poller.core.model import Secret


def kinds() -> dict[str, type]:
    """Every scheme by its name."""
    return discovery.kinds(sys.modules[__name__])


class Keeper(Protocol):
    """One place where a secret is kept."""

    def read(self) -> str:
        """The secret as it stands now. Raises SettingsError naming the place, never the value."""
        ...


def reveal(secret: Secret) -> str:
    """The secret now, read afresh. Raises SettingsError naming the reference, never the value.

    A value that is surely no secret (empty, several lines, control characters, white space
    around it) is refused here, where its reference can still be named. It may be any text
    otherwise: what stands in a header as it is has narrower rules, which the voice keeps.
    """
    keeper = keeper_of(secret)
    value = secret.reference if keeper is None else keeper.read()
    shown = "a secret that is written into the settings" if keeper is None else secret.reference
    problem = _unfit(value)
    if problem is not None:
        raise SettingsError(f"{shown} {problem}", hint="a secret is printable text on one line")
    return value


def keeper_of(secret: Secret) -> Keeper | None:
    """Who keeps ``secret``; None when the text is the secret itself, which settings warn about."""
    scheme, colon, place = secret.reference.partition(":")
    kind = _schemes().get(scheme) if colon else None
    if kind is None:
        return None
    keeper: Keeper = kind(place)
    return keeper


@cache
def _schemes() -> dict[str, type]:
    return kinds()


def _unfit(value: str) -> str | None:
    """What keeps ``value`` from being a secret; None when nothing does."""
    if value == "":
        return "is empty"
    if "\n" in value or "\r" in value:
        return "contains a line break"
    if not value.isprintable():
        return "contains a control character"
    return "begins or ends with white space" if value.strip() != value else None
