"""Keeps secrets out of everything that is written down: logs, messages, tables, the debug lines.

A secret is replaced in each form in which it could turn up: raw, URL-encoded, JSON- and
HTML-escaped, and base64 at any alignment (so that ``user:password`` in base64 goes too).
Values of query parameters whose names look secret go without being known.
"""

from __future__ import annotations

import base64
import html
import logging
import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

HIDDEN = "***"

SHORTEST = 4
"""Characters. A shorter secret is replaced only where it stands alone, or no text would be readable."""

RECENT = 8
"""Tokens of one holder that are remembered: those in use, and those just before."""

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
        self._tokens: dict[tuple[str, ...], deque[str]] = {}
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
                self._compile()

    def learn_token(self, token: str, holder: tuple[str, ...]) -> None:
        """The same for a token that passes: of one holder's the newest few stay known.

        A year of a token a minute would otherwise make every line wait for half a million.
        """
        with self._learning:
            known = self._tokens.setdefault(holder, deque(maxlen=RECENT))
            if token not in known:
                known.append(token)
                self._compile()

    def _compile(self) -> None:
        passing = {form for known in self._tokens.values() for token in known for form in _forms(token)}
        longest_first = sorted(self._forms | passing, key=len, reverse=True)
        self._pattern = re.compile("|".join(longest_first))

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
    """Patterns of the ways in which ``secret`` can stand in a text."""
    spelled = "".join(_spellings(character) for character in secret)
    if len(secret) < SHORTEST:
        yield rf"(?<!\w){spelled}(?!\w)"
        return
    yield spelled
    for form in _base64_forms(secret.encode("utf-8", "surrogatepass")):
        yield re.escape(form)


def _spellings(character: str) -> str:
    r"""A pattern of every way to write one character: vendors disagree on which of them need escaping.

    PHP writes ``\/`` in JSON, Go ``\u003c``, .NET ``\u002B``; URLs, HTML and Python's own
    representation of text and of bytes have theirs. Letters and digits are escaped by nobody.
    """
    if character.isascii() and character.isalnum():
        return character
    octets, units = character.encode("utf-8", "surrogatepass"), character.encode("utf-16-be", "surrogatepass")
    ways = {
        re.escape(character),
        re.escape(html.escape(character)),
        "".join(f"%{octet:02x}" for octet in octets),
        "".join(rf"\\x{octet:02x}" for octet in octets),
        "".join(rf"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)),
        f"&#(?:0*{ord(character)}|x0*{ord(character):x});",
        re.escape(repr(character)[1:-1]),
        re.escape(ascii(character)[1:-1]),
    }
    ways |= {rf"\\{re.escape(character)}"} if character in "\"'/\\" else set()
    ways |= {r"\+"} if character == " " else set()
    return f"(?i:{'|'.join(sorted(ways, key=len, reverse=True))})"


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
