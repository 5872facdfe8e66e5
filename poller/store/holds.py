"""The moment before which a source must not be asked, kept in SQL so that restarts obey it too."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select, update

from poller.store.database import Database
from poller.store.streams import ensure_source
from poller.store.tables import sources


class Holds:
    """Fits ``engine.ports.Holds``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def not_before(self, source: str) -> datetime | None:
        """None when the source may be asked at any time."""
        with self._database.read() as connection:
            return connection.execute(select(sources.c.not_before).where(sources.c.name == source)).scalar()

    def hold(self, source: str, until: datetime, reason: str) -> None:
        """Ask nothing before ``until``; an earlier hold that lasts longer stays. Committed on return."""
        with self._database.write() as connection:
            ensure_source(connection, source)
            shorter = or_(sources.c.not_before.is_(None), sources.c.not_before < until)
            connection.execute(
                update(sources)
                .where(sources.c.name == source, shorter)
                .values(not_before=until, not_before_reason=reason)
            )
