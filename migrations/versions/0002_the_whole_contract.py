"""Durable permits, usage, validators, the floor of the change feed, commands, full listings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _widen_tables()
    _create_permits()
    _create_commands()
    _create_listed()


def downgrade() -> None:
    for table in ("poller_listed", "poller_commands", "poller_permits"):
        op.drop_table(table)
    for table, column in _COLUMNS:
        op.drop_column(table, column.name)


_COLUMNS: tuple[tuple[str, sa.Column], ...] = (
    ("poller_sources", sa.Column("usage_used", sa.Float())),
    ("poller_sources", sa.Column("usage_limit", sa.Float())),
    ("poller_sources", sa.Column("usage_at", sa.Text())),
    ("poller_streams", sa.Column("validators", sa.Text())),
    ("poller_streams", sa.Column("changes_floor", sa.Integer(), nullable=False, server_default=sa.text("0"))),
    ("poller_dead_letters", sa.Column("closed_how", sa.Text())),
)


def _widen_tables() -> None:
    for table, column in _COLUMNS:
        op.add_column(table, column)
    op.execute("UPDATE poller_dead_letters SET closed_how = 'merged' WHERE closed_at IS NOT NULL")


def _create_permits() -> None:
    op.create_table(
        "poller_permits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("permits", sa.Integer(), nullable=False),
        sa.Column("reserved_at", sa.Text(), nullable=False),
        sa.Column("completed_at", sa.Text()),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("ticks", sa.Float(), nullable=False),
        sa.Column("lasting", sa.Float(), nullable=False),
        sa.Column("owner_host", sa.Text(), nullable=False),
        sa.Column("owner_pid", sa.Integer(), nullable=False),
        sa.Column("owner_token", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["poller_sources.id"], name=op.f("fk_poller_permits_source_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poller_permits")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_poller_permits_source_id"), "poller_permits", ["source_id"])


def _create_commands() -> None:
    op.create_table(
        "poller_commands",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default=sa.text("'waiting'")),
        sa.Column("taken_at", sa.Text()),
        sa.Column("taken_by", sa.Text()),
        sa.Column("progress", sa.Text()),
        sa.Column("result", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("hint", sa.Text()),
        sa.Column("ended_at", sa.Text()),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed')", name=op.f("ck_poller_commands_state")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["poller_sources.id"],
            name=op.f("fk_poller_commands_source_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poller_commands")),
    )
    op.create_index(op.f("ix_poller_commands_source_id_state"), "poller_commands", ["source_id", "state"])


def _create_listed() -> None:
    op.create_table(
        "poller_listed",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["poller_streams.id"], name=op.f("fk_poller_listed_stream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("stream_id", "key", name=op.f("pk_poller_listed")),
        sqlite_with_rowid=False,
    )
