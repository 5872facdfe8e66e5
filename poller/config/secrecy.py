"""What in the settings is a secret: a reference to one, one that is written out, or a name that tells."""

from __future__ import annotations

import difflib
import re
from functools import cache

from poller import secrets
from poller.config.places import KeyPath
from poller.config.problems import Findings
from poller.core.model import Secret

_TELLING = re.compile(
    r"(?:^|[-_.])(?:authorization|api[-_]?key|key|token|secret|password|passwd|cookie|credential|signature)s?$"
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


def check_secret(secret: Secret, path: KeyPath, findings: Findings) -> None:
    """Refuse references that cannot be meant, warn of secrets that are written out."""
    scheme = scheme_of(secret.reference)
    if scheme is not None:
        if secret.reference == f"{scheme}:":
            findings.at_value(path, f"{scheme}: refers to nothing", f"write {scheme}:NAME")
        return
    before, colon, _ = secret.reference.partition(":")
    close = difflib.get_close_matches(before.lower(), _schemes(), n=1, cutoff=0.6) if colon else []
    if close:
        findings.at_value(path, "names an unknown place for secrets", f'did you mean "{close[0]}:…"?')
    elif findings.origin.variable(path) is None:
        findings.warn(
            path, "a secret is written into the file; refer to it as env:NAME or file:/path instead"
        )


@cache
def _schemes() -> tuple[str, ...]:
    return tuple(secrets.kinds())
