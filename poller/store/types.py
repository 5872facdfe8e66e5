"""How moments and positions stand in the system tables: as text that sorts as they do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Dialect, Text, TypeDecorator

from poller.core.decide import stamp
from poller.core.position import Position, canonical, from_canonical


class Moment(TypeDecorator[datetime]):
    """An aware datetime as UTC text with microseconds, ``2026-11-21T12:00:00.000000Z``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else stamp(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ANN401
        del dialect
        return None if value is None else read_stamp(value)


class Place(TypeDecorator[Position]):
    """A position in its canonical text, ``2026-11-21T12:00:00.000000000Z``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Position | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else canonical(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Position | None:  # noqa: ANN401
        del dialect
        return None if value is None else from_canonical(value)


def read_stamp(text: str) -> datetime:
    """The inverse of :func:`poller.core.decide.stamp`."""
    return datetime.fromisoformat(text).astimezone(UTC)
