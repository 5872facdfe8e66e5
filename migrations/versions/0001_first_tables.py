"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_sources_and_streams()
    _create_runs()
    _create_ledger()
    _create_feed()


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)


_TABLES = (
    "poller_schema_changes",
    "poller_dead_letters",
    "poller_changes",
    "poller_watermarks",
    "poller_coverage",
    "poller_missed_polls",
    "poller_requests",
    "poller_notices",
    "poller_runs",
    "poller_scans",
    "poller_columns",
    "poller_streams",
    "poller_sources",
)


def _create_sources_and_streams() -> None:
    op.create_table(
        "poller_sources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("lease_token", sa.Text()),
        sa.Column("lease_host", sa.Text()),
        sa.Column("lease_pid", sa.Integer()),
        sa.Column("lease_born_at", sa.Text()),
        sa.Column("lease_since", sa.Text()),
        sa.Column("lease_until", sa.Text()),
        sa.Column("released_at", sa.Text()),
        sa.Column("not_before", sa.Text()),
        sa.Column("not_before_reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poller_sources")),
        sa.UniqueConstraint("name", name=op.f("uq_poller_sources_name")),
    )
    op.create_table(
        "poller_streams",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'active'"), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("seq", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("requested_at", sa.Text()),
        sa.Column("watermark", sa.Text()),
        sa.Column("watermark_text", sa.Text()),
        sa.Column("highest", sa.Text()),
        sa.Column("complete_through", sa.Text()),
        sa.Column("drained_once", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("drained_at", sa.Text()),
        sa.Column("fingerprint", sa.Text()),
        sa.Column("last_slot", sa.Text()),
        sa.Column("schedule_fingerprint", sa.Text()),
        sa.Column("added_at", sa.Text(), nullable=False),
        sa.Column("removed_at", sa.Text()),
        sa.CheckConstraint("state IN ('active', 'removed')", name=op.f("ck_poller_streams_state")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["poller_sources.id"], name=op.f("fk_poller_streams_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poller_streams")),
        sa.UniqueConstraint("name", name=op.f("uq_poller_streams_name")),
        sa.UniqueConstraint("table_name", name=op.f("uq_poller_streams_table_name")),
    )
    op.create_index(op.f("ix_poller_streams_source_id"), "poller_streams", ["source_id"])
    op.create_table(
        "poller_columns",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.CheckConstraint("origin IN ('field', 'settings')", name=op.f("ck_poller_columns_origin")),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["poller_streams.id"], name=op.f("fk_poller_columns_stream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("stream_id", "name", name=op.f("pk_poller_columns")),
    )
    op.create_table(
        "poller_scans",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Integer()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("edge", sa.Text()),
        sa.Column("highest", sa.Text()),
        sa.Column("pages", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("fresh", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["poller_streams.id"], name=op.f("fk_poller_scans_stream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("stream_id", "kind", name=op.f("pk_poller_scans")),
    )


def _create_runs() -> None:
    op.create_table(
        "poller_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("first_slot", sa.Text()),
        sa.Column("last_slot", sa.Text()),
        sa.Column("polls", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("category", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("idle", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("pages", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_read", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("inserted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("deleted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("refused", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("dead", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("late", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("fresh", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("requests", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed_requests", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes_received", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("healed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("watermark_before", sa.Text()),
        sa.Column("watermark_after", sa.Text()),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["poller_streams.id"], name=op.f("fk_poller_runs_stream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poller_runs")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_poller_runs_open", "poller_runs", ["stream_id"], sqlite_where=sa.text("outcome IS NULL")
    )
    op.create_index(op.f("ix_poller_runs_stream_id_id"), "poller_runs", ["stream_id", "id"])
    op.create_table(
        "poller_notices",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("noticed_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["poller_runs.id"], name=op.f("fk_poller_notices_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "kind", name=op.f("pk_poller_notices")),
    )
    op.create_table(
        "poller_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("bytes_received", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.ForeignKeyConstraint(
            ["run_id"], ["poller_runs.id"], name=op.f("fk_poller_requests_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poller_requests")),
    )
    op.create_index(op.f("ix_poller_requests_run_id"), "poller_requests", ["run_id"])
    op.create_index(op.f("ix_poller_requests_sent_at"), "poller_requests", ["sent_at"])


def _create_ledger() -> None:
    op.create_table(
        "poller_missed_polls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("first_slot", sa.Text(), nullable=False),
        sa.Column("last_slot", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("healed_by", sa.Integer()),
        sa.Column("healed_at", sa.Text()),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["poller_streams.id"],
            name=op.f("fk_poller_missed_polls_stream_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poller_missed_polls")),
    )
    op.create_index(
        "ix_poller_missed_polls_open",
        "poller_missed_polls",
        ["stream_id"],
        sqlite_where=sa.text("healed_by IS NULL"),
    )
    op.create_index(
        op.f("ix_poller_missed_polls_stream_id_last_slot"), "poller_missed_polls", ["stream_id", "last_slot"]
    )
    op.create_table(
        "poller_coverage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("from_position", sa.Text()),
        sa.Column("through_position", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["poller_streams.id"],
            name=op.f("fk_poller_coverage_stream_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poller_coverage")),
    )
    op.create_index(op.f("ix_poller_coverage_stream_id"), "poller_coverage", ["stream_id"])
    op.create_table(
        "poller_watermarks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("moved_at", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("from_position", sa.Text()),
        sa.Column("to_position", sa.Text()),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["poller_streams.id"],
            name=op.f("fk_poller_watermarks_stream_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poller_watermarks")),
    )
    op.create_index(op.f("ix_poller_watermarks_stream_id"), "poller_watermarks", ["stream_id"])


def _create_feed() -> None:
    op.create_table(
        "poller_changes",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.Column("position", sa.Text()),
        sa.Column("observed_at", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["poller_streams.id"], name=op.f("fk_poller_changes_stream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("stream_id", "seq", name=op.f("pk_poller_changes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "poller_dead_letters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("position", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.Text()),
        sa.Column("times", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("first_seen_at", sa.Text(), nullable=False),
        sa.Column("last_seen_at", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Integer()),
        sa.Column("closed_at", sa.Text()),
        sa.Column("closed_by", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["poller_streams.id"],
            name=op.f("fk_poller_dead_letters_stream_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poller_dead_letters")),
        sa.UniqueConstraint("stream_id", "digest", name=op.f("uq_poller_dead_letters_stream_id_digest")),
    )
    op.create_index(
        "ix_poller_dead_letters_open",
        "poller_dead_letters",
        ["stream_id", "key"],
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "poller_schema_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("from_type", sa.Text()),
        sa.Column("to_type", sa.Text()),
        sa.Column("run_id", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["poller_streams.id"],
            name=op.f("fk_poller_schema_changes_stream_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poller_schema_changes")),
    )
    op.create_index(op.f("ix_poller_schema_changes_stream_id"), "poller_schema_changes", ["stream_id"])
