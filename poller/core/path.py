"""Where in an answer a value stands: a JMESPath, or a response header.

Plain field paths (``meta.next``) are followed directly; anything else is handed to
jmespath, compiled once. https://jmespath.org/specification.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


@dataclass(frozen=True, slots=True)
class Path:
    """A JMESPath expression. ``@`` is the whole document. Raises ValueError when it cannot be read."""

    text: str
    names: tuple[str, ...] | None = field(init=False, compare=False, repr=False)
    """The field names of a plain path; empty for ``@``; None for a real expression."""
    _compiled: Any = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        names: tuple[str, ...] | None = None
        compiled = None
        if self.text == "@":
            names = ()
        elif _PLAIN.fullmatch(self.text):
            names = tuple(self.text.split("."))
        else:
            try:
                compiled = jmespath.compile(self.text)
            except JMESPathError as error:
                reason = str(error).splitlines()[0].partition("expression: ")[2].rstrip(":")
                raise ValueError(f"not a JMESPath: {self.text!r}: {reason}") from error
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_compiled", compiled)

    def find(self, document: Any) -> Any:  # noqa: ANN401 (any JSON value)
        """The value at this path; None when it is null or absent."""
        if self.names is None:
            try:
                return self._compiled.search(document)
            except JMESPathError:
                return None
        for name in self.names:
            if not isinstance(document, dict):
                return None
            document = document.get(name)
        return document


@dataclass(frozen=True, slots=True)
class Header:
    """A response header, ``header:X-Next-Cursor`` in the settings. Names compare without case."""

    name: str


Lookup = Path | Header


def lookup(text: str) -> Lookup:
    """``header:NAME`` or a JMESPath. Raises ValueError when neither can be read from ``text``."""
    if text.lower().startswith("header:"):
        name = text[len("header:") :].strip()
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise ValueError(f"not a header name: {name!r}")
        return Header(name)
    return Path(text)
