"""Mirrors REST APIs into a SQL database by polling, and can show that nothing was missed."""

from __future__ import annotations

__version__ = "0.1.0"
