"""Settings: a TOML file and the environment become frozen values, or problems with line, column and hint."""

from __future__ import annotations

from poller.config.load import load, read_text
from poller.config.problems import SettingsProblems
from poller.config.render import render_problem
from poller.config.settings import Daemon, Retention, Settings

__all__ = ["Daemon", "Retention", "Settings", "SettingsProblems", "load", "read_text", "render_problem"]
