"""Keeps secrets out of everything that is written down: logs, messages, tables, the debug lines.

A secret is replaced in each form in which it could turn up: raw, URL-encoded, JSON- and
HTML-escaped, and base64 at any alignment (so that ``user:password`` in base64 goes too).
Values of query parameters whose names look secret go without being known.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "***"

SHORTEST = 4
"""Characters. A shorter secret is replaced only where it stands alone, or no text would be readable."""

CHATTY = ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.proxy")
"""Loggers that write URLs and headers by themselves; a filter binds only the logger that it hangs on."""

_NAMES = (
    r"[\w.\-\[\]%]{0,40}(?:api[_-]?key|access[_-]?key|secret|token|passw(?:or)?d|passwd|pwd|signature|credential|"
    r"authorization|session)[\w.\-\[\]%]{0,40}|key|sig|auth|jwt"
)
_SECRET_PARAM = re.compile(rf"([?&;](?:{_NAMES})=)[^&;#\s\"'<>]+", re.IGNORECASE)
_CURSOR = re.compile(r"(page|next|continuation|cursor|sync|delta|skip|change)[_-]?token", re.IGNORECASE)


class Redactor:
    """Knows every secret that was revealed. Safe to share between threads."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._learning = threading.Lock()

    def learn(self, secret: str) -> None:
        """From now on ``secret`` is replaced everywhere. A rotated secret stays known."""
        if secret == "":
            return
        with self._learning:
            fresh = set(_forms(secret)) - self._forms
            if fresh:
                self._forms |= fresh
                longest_first = sorted(self._forms, key=len, reverse=True)
                self._pattern = re.compile("|".join(_as_pattern(form) for form in longest_first))

    def clean(self, text: str) -> str:
        """``text`` without secrets."""
        known = self._pattern
        hidden = text if known is None else known.sub(HIDDEN, text)
        return _SECRET_PARAM.sub(_hide_param, hidden)

    def clean_bytes(self, body: bytes) -> bytes:
        """``body`` without secrets; other bytes stay as they are, whatever their encoding."""
        return self.clean(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """A structlog processor; stands last before the renderer, after tracebacks became text."""
        return {self.clean(key): self._clean_value(value) for key, value in event.items()}

    def _clean_value(self, value: Any) -> Any:  # noqa: ANN401 (whatever was logged)
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, bytes):
            return self.clean_bytes(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self._clean_value(key): self._clean_value(member) for key, member in value.items()}
        if isinstance(value, Sequence):
            return [self._clean_value(element) for element in value]
        shown = repr(value)
        return value if self.clean(shown) == shown else self.clean(shown)


class RedactingFilter(logging.Filter):
    """The same for the standard library's logging: on handlers, and on loggers that write by themselves."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass, with its message and traceback turned into clean text."""
        record.msg = self._redactor.clean(record.getMessage())
        record.args = None
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = self._redactor.clean(record.exc_text)
        return True


def guard(redactor: Redactor) -> RedactingFilter:
    """Hang a filter on the loggers of the HTTP libraries; give it to :func:`unguard` at the end."""
    watching = RedactingFilter(redactor)
    for name in CHATTY:
        logging.getLogger(name).addFilter(watching)
    return watching


def unguard(watching: RedactingFilter) -> None:
    """Take the filter off again."""
    for name in CHATTY:
        logging.getLogger(name).removeFilter(watching)


def _hide_param(found: re.Match[str]) -> str:
    return found[0] if _CURSOR.search(found[1]) else found[1] + HIDDEN


def _forms(secret: str) -> Iterator[str]:
    """The ways in which ``secret`` can stand in a text."""
    yield secret
    for encoded in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    yield html.escape(secret)
    if len(secret) >= SHORTEST:
        yield from _base64_forms(secret.encode())


def _base64_forms(secret: bytes) -> Iterator[str]:
    """What ``secret`` alone decides of a base64 text, wherever it begins in the encoded bytes."""
    for ahead in range(3):
        whole = base64.b64encode(b"\0" * ahead + secret + b"\0" * (-(ahead + len(secret)) % 3))
        first = -(-ahead * 8 // 6)
        beyond = (ahead + len(secret)) * 8 // 6
        core = whole[first:beyond].decode("ascii")
        if len(core) >= SHORTEST:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _as_pattern(form: str) -> str:
    return re.escape(form) if len(form) >= SHORTEST else rf"(?<!\w){re.escape(form)}(?!\w)"
