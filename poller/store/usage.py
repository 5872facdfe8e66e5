"""How much of its quota each API says is used, as it last said it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from poller.store.database import Database
from poller.store.streams import ensure_source
from poller.store.tables import sources


@dataclass(frozen=True, slots=True)
class UsageView:
    """What a source last said of its quota; None: that part it never said."""

    source: str
    used: float | None
    limit: float | None
    at: datetime


class Usages:
    """Fits ``http.usage.StoredUsage``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def used(self, source: str, used: float | None, limit: float | None) -> None:
        """None leaves what stands. Committed on return. Raises StoreUnavailable."""
        said = {"usage_used": used, "usage_limit": limit}
        with self._database.write() as connection:
            ensure_source(connection, source)
            connection.execute(
                update(sources)
                .where(sources.c.name == source)
                .values(
                    usage_at=self._database.dialect.now(connection),
                    **{name: value for name, value in said.items() if value is not None},
                )
            )


def usage_views(database: Database) -> list[UsageView]:
    """Every source that ever said something."""
    asked = select(sources).where(sources.c.usage_at.is_not(None))
    with database.read() as connection:
        rows = connection.execute(asked.order_by(sources.c.name)).all()
    return [UsageView(row.name, row.usage_used, row.usage_limit, row.usage_at) for row in rows]
