"""What in the settings is a secret: a reference to one, one that is written out, or a name that tells."""

from __future__ import annotations

import dataclasses
import difflib
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from poller import secrets
from poller.config.places import KeyPath
from poller.config.problems import Findings
from poller.core.model import Secret

_TELLING = re.compile(
    r"(?:^|[-_.])(?:authorization|api[-_]?key|key|token|secret|password|passwd|passphrase|pass|pwd|pin"
    r"|cookie|credential|signature)s?$"
    r"|apikey|accesstoken",
    re.IGNORECASE,
)


def names_a_secret(name: str) -> bool:
    """Whether a header or parameter of that name usually carries a secret."""
    return _TELLING.search(name) is not None


def scheme_of(text: str) -> str | None:
    """``env`` of ``env:NAME``; None when the text refers to nothing."""
    scheme, colon, _ = text.partition(":")
    return scheme if colon and scheme in _schemes() else None


def secrets_in(value: object) -> Iterator[tuple[KeyPath, Secret]]:
    """Every secret inside options, tables and lists, with the keys that lead to it."""
    inside: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, Secret):
        yield (), value
    elif dataclasses.is_dataclass(value):
        inside = [(option.name, getattr(value, option.name)) for option in dataclasses.fields(value)]
    elif isinstance(value, Mapping):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    for key, member in inside:
        for further, secret in secrets_in(member):
            yield (key, *further), secret


def misspelt(text: str) -> str | None:
    """The scheme that a text with a colon seems to mean and does not name; None when it means none."""
    before, colon, _ = text.partition(":")
    close = difflib.get_close_matches(before.lower(), _schemes(), n=1, cutoff=0.6) if colon else []
    return close[0] if close else None


def check_secret(secret: Secret, path: KeyPath, findings: Findings) -> None:
    """Refuse references that cannot be meant, and secrets that are written where others may read them.

    One that only the owner of the file can read is warned of.
    """
    scheme = scheme_of(secret.reference)
    if scheme is not None:
        if secret.reference == f"{scheme}:":
            findings.at_value(path, f"{scheme}: refers to nothing", f"write {scheme}:NAME")
        return
    meant = misspelt(secret.reference)
    if meant is not None:
        findings.at_value(path, *wrong_place(meant))
    elif findings.origin.variable(path) is not None:
        return
    elif findings.origin.shared:
        file = shlex.quote(findings.origin.file)
        findings.at_value(
            path,
            "a secret is written into a file that others may read",
            f"refer to it as env:NAME or file:/path, or keep the file to yourself: chmod 600 {file}",
        )
    else:
        findings.warn(
            path, "a secret is written into the file; refer to it as env:NAME or file:/path instead"
        )


def wrong_place(meant: str) -> tuple[str, str]:
    """What to say of a reference whose scheme does not exist."""
    return "names an unknown place for secrets", f'did you mean "{meant}:…"?'


@cache
def _schemes() -> tuple[str, ...]:
    return tuple(secrets.kinds())
