"""Instants as whole microseconds since the Unix epoch, so that grids are integer arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z, exact. Raises TypeError for a naive datetime."""
    return (moment - _EPOCH) // MICROSECOND


def to_moment(micros: int) -> datetime:
    """The aware UTC datetime. Raises OverflowError outside the years 1 to 9999."""
    return _EPOCH + timedelta(microseconds=micros)
