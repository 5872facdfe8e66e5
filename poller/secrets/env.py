"""``env:NAME``: the secret stands in an environment variable. It cannot change while we run."""

from __future__ import annotations

import os
from dataclasses import dataclass

from poller.core.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Environment:
    """The variable ``name``."""

    name: str

    def read(self) -> str:
        value = os.environ.get(self.name)
        if value is None:
            raise SettingsError(
                f"env:{self.name} is not set",
                hint=f"export {self.name}=… before starting, or refer to a file with file:/path",
            )
        return value
