"""Opening, upgrading, and what the database's own troubles become."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from poller.core.errors import SchemaOutdated, StoreError, StoreUnavailable
from poller.store import migrations
from poller.store.database import Database, open_database
from poller.store.tables import VERSION_TABLE, metadata
from tests.store.world import World, issue


def opened(path: Path) -> Database:
    return open_database(f"sqlite:///{path}", patience=timedelta(milliseconds=100))


def test_the_migrations_make_exactly_the_tables_that_the_code_names(upgraded: Path) -> None:
    database = opened(upgraded)
    with database.write() as connection:
        options = {"compare_type": True, "compare_server_default": True, "version_table": VERSION_TABLE}
        context = MigrationContext.configure(connection, opts=options)
        difference = compare_metadata(context, metadata)
        checks = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE name = 'poller_streams'"
        ).scalar()
    database.close()

    assert difference == []
    assert checks is not None
    assert "CHECK (state IN ('active', 'removed'))" in checks


def test_the_program_knows_its_last_revision() -> None:
    assert migrations.newest(migrations.scripts()) == migrations.HEAD


def test_a_new_file_is_upgraded_without_a_backup_and_once(tmp_path: Path) -> None:
    database = opened(tmp_path / "new.db")
    assert database.current() is None
    with pytest.raises(SchemaOutdated, match="no schema"):
        database.require_current()

    assert database.upgrade() is None
    assert database.upgrade() is None

    database.require_current()
    assert database.current() == migrations.HEAD
    assert [path.name for path in tmp_path.glob("*backup*")] == []
    database.close()


@pytest.fixture
def later_revisions(tmp_path: Path) -> Path:
    """The revisions of a later program: ours, and one more."""
    folder = tmp_path / "later"
    shutil.copytree(migrations.scripts(), folder)
    (folder / "versions" / "9999_more.py").write_text(
        f"from alembic import op\nimport sqlalchemy as sa\nrevision = '9999'\n"
        f"down_revision = {migrations.HEAD!r}\n"
        "def upgrade():\n    op.create_table('poller_more', sa.Column('id', sa.Integer, primary_key=True))\n"
    )
    return folder


def test_a_database_with_rows_is_copied_before_it_is_upgraded(world: World, later_revisions: Path) -> None:
    world.poll(issue(1, title="precious"))

    backup = world.database.upgrade(later_revisions)

    assert backup is not None
    with closing(sqlite3.connect(backup)) as copy:
        assert copy.execute("SELECT title FROM crm_issues").fetchall() == [("precious",)]
        assert copy.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall() == [(migrations.HEAD,)]
    assert world.database.current() == "9999"
    assert world.column("title") == ["precious"]


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(world: World, later_revisions: Path) -> None:
    script = later_revisions / "versions" / "9999_more.py"
    script.write_text(script.read_text() + "    op.execute('SELECT nonsense')\n")

    with pytest.raises(StoreError, match="nonsense"):
        world.database.upgrade(later_revisions)

    assert world.database.current() == migrations.HEAD
    assert world.rows("SELECT name FROM sqlite_master WHERE name = 'poller_more'") == []


def test_a_database_of_a_later_program_is_refused(world: World) -> None:
    world.do(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")

    with pytest.raises(SchemaOutdated, match="schema 9999, and this program knows none after"):
        world.database.upgrade()
    with pytest.raises(SchemaOutdated, match="schema 9999"):
        world.database.require_current()


def test_the_file_is_safe_against_power_loss(world: World) -> None:
    with world.database.write() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "mmap_size", "wal_autocheckpoint")
        }

    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "mmap_size": 0,
        "wal_autocheckpoint": 4000,
    }


def test_readers_cannot_write(world: World) -> None:
    with pytest.raises(StoreUnavailable, match="is read-only"), world.database.read() as connection:
        connection.exec_driver_sql("DELETE FROM poller_streams")


def test_a_full_disk_leaves_nothing_half_written_and_passes(world: World) -> None:
    world.poll(issue(1))
    run = world.begin()
    with world.database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    large = [issue(number, 1, at="x" * 5000) for number in range(100, 300)]

    with pytest.raises(StoreUnavailable, match="disk is full") as failure:
        world.page(run, large)

    assert failure.value.hint is not None
    assert world.column("id") == [1]
    assert world.rows("SELECT pages FROM poller_runs WHERE id = 2") == [(0,)]
    with world.database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert world.page(run, large).inserted == 200


def test_a_lock_of_another_process_is_waited_for_and_then_reported(world: World) -> None:
    run = world.begin()
    with closing(sqlite3.connect(world.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked by another process"):
            world.page(run, [issue(1)])
        other.execute("ROLLBACK")

    assert world.page(run, [issue(1)]).inserted == 1


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary, " * 200)

    with pytest.raises(StoreError, match="is no SQLite database"):
        opened(path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="nowhere of the database"):
        opened(tmp_path / "nowhere" / "mirror.db")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mirror.db", "not a database URL"),
        ("sqlite://", "names no database file"),
        ("sqlite:///:memory:", "names no database file"),
        ("oracle://host/x", "no support for 'oracle'"),
    ],
)
def test_a_url_that_cannot_be_used_says_which_can(url: str, why: str) -> None:
    with pytest.raises(StoreError, match=why) as failure:
        open_database(url)

    assert "sqlite:///mirror.db" in str(failure.value.hint)


def test_a_question_mark_in_a_path_opens_no_other_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="question mark"):
        opened(tmp_path / "what?.db")

    assert list(tmp_path.iterdir()) == []


def test_a_path_with_odd_characters_is_one_file(tmp_path: Path) -> None:
    odd = tmp_path / "a b#c é.db"

    database = opened(odd)
    database.upgrade()
    database.close()

    assert stat.S_ISREG(odd.stat().st_mode)


def test_an_error_keeps_its_cause(world: World) -> None:
    with pytest.raises(StoreError) as failure, world.database.write() as connection:
        connection.exec_driver_sql("SELECT nonsense")

    assert isinstance(failure.value.__cause__, DBAPIError)
