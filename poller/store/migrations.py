"""Brings the system tables to the version that this program needs, and says which one they have.

The revisions stand in ``migrations`` beside the package in a checkout, and inside it in a wheel.
Alembic is imported only when there is something to do: it costs a tenth of a second.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table

from poller.core.errors import SchemaOutdated, StoreError
from poller.store.tables import VERSION_TABLE

HEAD = "0002"
"""The revision that this program reads and writes."""


def current(connection: Connection) -> str | None:
    """The revision of the database; None when it holds no system tables yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()


def require_head(connection: Connection) -> None:
    """Raise SchemaOutdated unless the database has the revision that this program needs."""
    found = current(connection)
    if found == HEAD:
        return
    if found is not None and not knows(scripts(), found):
        raise too_new(found, HEAD)
    has = "no schema" if found is None else f"schema {found}"
    raise SchemaOutdated(f"the database has {has}, this program needs {HEAD}", hint="run `poller db upgrade`")


def too_new(found: str, known: str) -> SchemaOutdated:
    """What to say of a database that a later program has upgraded."""
    return SchemaOutdated(
        f"the database has schema {found}, and this program knows none after {known}: the program is older",
        hint="install the version of poller that wrote this database, or a newer one",
    )


def upgrade(connection: Connection, where: Path, target: str = "head") -> None:
    """Run the missing revisions in the transaction that ``connection`` is in."""
    from alembic import command  # noqa: PLC0415 (slow, and seldom needed)
    from alembic.config import Config  # noqa: PLC0415 (slow, and seldom needed)

    config = Config()
    config.set_main_option("script_location", str(where).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def scripts() -> Path:
    """The folder of the revisions. Raises StoreError when it is in neither place."""
    package = Path(__file__).resolve().parent.parent
    places = (package / "migrations", package.parent / "migrations")
    for place in places:
        if (place / "env.py").exists():
            return place
    tried = " and ".join(str(place) for place in places)
    raise StoreError(f"no migrations found in {tried}", hint="install poller again: the wheel is incomplete")


def newest(where: Path) -> str:
    """The last revision in a folder of revisions."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 (slow, and seldom needed)

    head = ScriptDirectory(str(where)).get_current_head()
    if head is None:
        raise StoreError(f"no revisions in {where}")
    return head


def knows(where: Path, revision: str) -> bool:
    """Whether the folder holds that revision."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 (slow, and seldom needed)

    return any(script.revision == revision for script in ScriptDirectory(str(where)).walk_revisions())
