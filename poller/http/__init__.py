"""The voice: the one package that speaks HTTP. Bounded, polite, and silent about secrets."""

from __future__ import annotations

from poller.http.client import HttpVoice
from poller.http.redact import Redactor

__all__ = ["HttpVoice", "Redactor"]
