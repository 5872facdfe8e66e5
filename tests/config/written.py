"""A small settings file that is right, and how tests make it wrong in one place."""

from __future__ import annotations

from pathlib import Path

from poller.config import Settings, SettingsProblems, load

MARK = "»"
"""Stands in a text where a problem is expected to point at; taken out before it is read."""

RIGHT = """\
[database]
url = "sqlite:///mirror.db"

[daemon]
workers = 8

[retention]
runs = "90d"

[sources.crm]
base_url = "https://crm.example"
timeout = "30s"
rate_limit = "1000/minute"
auth = { type = "bearer", token = "env:CRM_TOKEN" }

[sources.crm.streams.issues]
table = "issues"
path = "/issues"
params = { after = "{since}", offset = "{offset}", limit = "{size}" }
records = "items"
key = "id"
updated_at = "updated"
order = "asc"
schedule = "5m"
since = { format = "rfc3339", lookback = "2m" }
page = { type = "offset", size = 100 }
"""


def settings_of(text: str, folder: Path, environ: dict[str, str] | None = None) -> Settings:
    """``text`` as a settings file in ``folder``, loaded."""
    file = folder / "settings.toml"
    file.write_text(text.replace(MARK, ""), encoding="utf-8")
    file.chmod(0o600)
    return load(file, environ or {})


def problems_of(text: str, folder: Path, environ: dict[str, str] | None = None) -> SettingsProblems:
    """What is wrong with ``text``; fails when nothing is."""
    try:
        settings_of(text, folder, environ)
    except SettingsProblems as problems:
        return problems
    raise AssertionError("these settings were taken for right")


def changed(old: str, new: str) -> str:
    """The right file with one stretch replaced."""
    assert RIGHT.count(old) == 1, f"{old!r} stands {RIGHT.count(old)} times in the file"
    return RIGHT.replace(old, new)


def marked_place(text: str) -> tuple[int, int]:
    """Line and column of the mark, from 1."""
    before = text[: text.index(MARK)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
