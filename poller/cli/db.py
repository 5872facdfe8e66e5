"""``poller db``: which revision the database has, and the way to the one that this program needs."""

from __future__ import annotations

from typing import Annotated

from typer import Context, Exit, Option

from poller.cli.arguments import Json
from poller.cli.options import options_of


def upgrade(context: Context) -> None:
    """Bring the database to this program's revision; SQLite files are copied first.

    Polling upgrades SQLite by itself.
    """
    from poller.cli.opening import settings_of
    from poller.cli.screen import note
    from poller.store.database import open_database
    from poller.store.migrations import HEAD

    options = options_of(context)
    database = open_database(settings_of(options).database_url)
    try:
        before = database.current()
        backup = database.upgrade()
    finally:
        database.close()
    if backup is not None:
        note(f"the copy from before is {backup}", options)
    print(f"{HEAD} (unchanged)" if before == HEAD else f"{before or 'nothing'} → {HEAD}")


def current(
    context: Context,
    as_json: Json = False,
    check: Annotated[bool, Option("--check", help="Fail unless this program can use it.")] = False,
) -> None:
    """Show the revision of the database, and the one that this program needs."""
    from poller.cli.opening import settings_of
    from poller.cli.screen import json_lines, note
    from poller.store.database import open_database
    from poller.store.migrations import HEAD
    from poller.store.views import absent_file

    options = options_of(context)
    url = settings_of(options).database_url
    found: str | None = None
    if absent_file(url) is None:
        database = open_database(url)
        try:
            found = database.current()
        finally:
            database.close()
    if as_json:
        json_lines([{"current": found, "needed": HEAD}])
    else:
        print(found or "none")
    if found != HEAD:
        note(f"this program needs {HEAD}: `poller db upgrade` brings the database there", options)
    if check and found != HEAD:
        raise Exit(1)


EXIT_CODES = {"db current": {1: "with --check: this program cannot use the database as it is"}}
JSON_KEYS = {
    "db current": {
        "current": "revision of the database; null when it has none",
        "needed": "revision that this program needs",
    }
}
VERBS = {"upgrade": upgrade, "current": current}
