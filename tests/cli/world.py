"""One folder with settings for an emulated API, and the command line run in it, in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from poller.cli import call
from tests.emulators.endpoint import Endpoint
from tests.emulators.scripted import Emulator
from tests.emulators.stamps import SECOND
from tests.emulators.world import Clock

START = 1_790_000_000 * SECOND
"""2026-09-21T14:13:20Z."""

SETTINGS = """\
[database]
url = "sqlite:///{database}"

[sources.shop]
base_url = "{base_url}"
timeout = "5s"
auth = {auth}
retry = {{ attempts = 2, initial = "10ms", maximum = "10ms" }}

[sources.shop.streams.orders]
path = "/rows"
params = {{ since = "{{since}}", limit = "{{size}}", offset = "{{offset}}" }}
records = "rows"
key = "id"
updated_at = "updated_at"
order = "{order}"
schedule = "{schedule}"
since = {{ lookback = "2s" }}
page = {{ type = "offset", size = {size} }}
{more}
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Stdout as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class Desk:
    """A user's folder: ``api`` is polled by the settings in ``config``."""

    folder: Path
    api: Emulator
    screen: pytest.CaptureFixture[str]

    @property
    def config(self) -> Path:
        return self.folder / "settings.toml"

    @property
    def database(self) -> Path:
        return self.folder / "mirror.db"

    def write_settings(self, **changes: str) -> None:
        """Settings of one stream, ``shop.orders``; ``changes`` replace parts of it, ``more`` is appended."""
        parts = {
            "database": str(self.database),
            "base_url": self.api.base_url,
            "auth": '{ type = "none" }',
            "order": "asc",
            "schedule": "1h",
            "size": "100",
            "more": "",
        }
        self.config.write_text(SETTINGS.format(**{**parts, **changes}))
        self.config.chmod(0o600)
        self.config.chmod(0o600)  # it may hold a literal secret

    def run(self, *arguments: str) -> Ran:
        """``poller -c settings.toml …``."""
        self.screen.readouterr()
        code = call(["-c", str(self.config), *arguments])
        shown = self.screen.readouterr()
        return Ran(code, shown.out, shown.err)


@contextmanager
def desk(folder: Path, screen: pytest.CaptureFixture[str], **endpoint: Any) -> Iterator[Desk]:  # noqa: ANN401
    """An API of 30 rows, a second apart, that end at a frozen clock; settings that poll it."""
    with Emulator(Endpoint(**endpoint), clock=Clock(START)) as api:
        api.world.insert_many(30, START - 29 * SECOND, step=SECOND)
        made = Desk(folder, api, screen)
        made.write_settings()
        yield made
