"""``file:/path``: the secret is a file's content, less one line break at its end. It may be rotated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from poller.core.errors import SettingsError

LARGEST = 65_536
"""Bytes. A secret that is larger is the wrong file."""


@dataclass(frozen=True, slots=True)
class File:
    """The file ``path``; a relative one starts where the process was started."""

    path: str

    def read(self) -> str:
        try:
            with Path(self.path).open("rb") as file:
                content = file.read(LARGEST + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise SettingsError(
                f"file:{self.path} cannot be read: {reason}",
                hint="check the path, and that the user who runs poller may read it",
            ) from None
        if len(content) > LARGEST:
            raise SettingsError(
                f"file:{self.path} is larger than {LARGEST:,} bytes", hint="is it the right file?"
            )
        return self._text(content)

    def _text(self, content: bytes) -> str:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            raise SettingsError(
                f"file:{self.path} is not text", hint="a secret is printable text on one line, in UTF-8"
            ) from None
        return text.removesuffix("\n").removesuffix("\r")
