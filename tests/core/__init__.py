"""Decisions, tested with values."""
