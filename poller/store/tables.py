"""The system tables: what poller remembers beside the mirror, in SQL that users may read.

Moments are UTC text with microseconds, positions their canonical text (both sort as what they
mean); flags are 0 or 1. Every table is named ``poller_…``; mirror tables have their own names.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from poller.store.types import Moment, Place

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
VERSION_TABLE = "poller_schema_version"

metadata = MetaData(naming_convention=NAMING)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _stream() -> Column[int]:
    return Column("stream_id", ForeignKey("poller_streams.id", ondelete="CASCADE"), nullable=False)


def _run() -> Column[int]:
    """The run that wrote the row; no foreign key, because runs are pruned and folded."""
    return Column("run_id", Integer)


sources = Table(
    "poller_sources",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("lease_token", Text, doc="random, of the owner; null when nobody holds the source"),
    Column("lease_host", Text),
    Column("lease_pid", Integer),
    Column("lease_born_at", Moment, doc="when the owner's process started"),
    Column("lease_since", Moment),
    Column("lease_until", Moment),
    Column("released_at", Moment, doc="when the last owner let go cleanly; null after a kill"),
    Column("not_before", Moment, doc="no request before this moment"),
    Column("not_before_reason", Text),
    Column("usage_used", Float, doc="as the API's usage header last said"),
    Column("usage_limit", Float),
    Column("usage_at", Moment),
)

permits = Table(
    "poller_permits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", ForeignKey("poller_sources.id", ondelete="CASCADE"), nullable=False),
    Column("permits", Integer, nullable=False, doc="requests that this block allows"),
    Column("reserved_at", Moment, nullable=False),
    Column(
        "completed_at", Moment, doc="when the last of them was answered; null while some may be under way"
    ),
    Column("boot", Text, nullable=False, doc="the start of the machine from which ticks are counted"),
    Column(
        "ticks",
        Float,
        nullable=False,
        doc="seconds since then when the last was answered, or will be at the latest",
    ),
    Column(
        "lasting",
        Float,
        nullable=False,
        doc="seconds from reserved_at after which it is over whatever happens",
    ),
    Column("owner_host", Text, nullable=False),
    Column("owner_pid", Integer, nullable=False),
    Column("owner_token", Text, nullable=False),
    Index(None, "source_id"),
    sqlite_autoincrement=True,
)

streams = Table(
    "poller_streams",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", ForeignKey("poller_sources.id"), nullable=False),
    Column("name", Text, nullable=False, unique=True, doc="source.stream"),
    Column("table_name", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False, server_default=text("'active'")),
    Column("epoch", Integer, nullable=False, server_default=text("1"), doc="fences off a former owner"),
    Column("seq", Integer, nullable=False, server_default=text("0"), doc="number of the last change"),
    Column("requested_at", Moment, doc="when the last page's request was sent"),
    Column("watermark", Place),
    Column("watermark_text", Text, doc="as received"),
    Column("highest", Place, doc="seen by the last drained scan"),
    Column("complete_through", Place),
    _count("drained_once"),
    Column("drained_at", Moment),
    Column("fingerprint", Text, doc="of the settings that give the watermark its meaning"),
    Column("validators", Text, doc="JSON: request and ETag or Last-Modified of the last scan of one page"),
    Column(
        "changes_floor",
        Integer,
        nullable=False,
        server_default=text("0"),
        doc="changes up to here are pruned",
    ),
    Column("last_slot", Moment, doc="slots up to here are accounted for"),
    Column("schedule_fingerprint", Text),
    Column("added_at", Moment, nullable=False),
    Column("removed_at", Moment),
    CheckConstraint("state IN ('active', 'removed')", name="state"),
    Index(None, "source_id"),
)

columns = Table(
    "poller_columns",
    metadata,
    Column("stream_id", ForeignKey("poller_streams.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True, doc="of the mirror's column"),
    Column("field", Text, nullable=False, doc="field name, or the path that the settings give"),
    Column("origin", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    CheckConstraint("origin IN ('field', 'settings')", name="origin"),
)

scans = Table(
    "poller_scans",
    metadata,
    Column("stream_id", ForeignKey("poller_streams.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),
    _run(),
    Column("state", Text, nullable=False, doc="JSON that only the core reads"),
    Column("fingerprint", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("edge", Place),
    Column("highest", Place),
    _count("pages"),
    _count("rows"),
    Column("fresh", Integer, nullable=False, server_default=text("0"), doc="new or changed by the last page"),
    Column("updated_at", Moment, nullable=False),
)

runs = Table(
    "poller_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    _stream(),
    Column("kind", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("first_slot", Moment),
    Column("last_slot", Moment),
    Column("polls", Integer, nullable=False, server_default=text("1"), doc="idle polls in this row"),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("outcome", Text, doc="null while the run is open"),
    Column("category", Text),
    Column("error", Text),
    _count("idle"),
    _count("pages"),
    _count("rows_read"),
    _count("inserted"),
    _count("updated"),
    _count("unchanged"),
    _count("deleted"),
    _count("refused"),
    _count("dead"),
    _count("late"),
    _count("fresh"),
    _count("requests"),
    _count("failed_requests"),
    _count("bytes_received"),
    _count("healed"),
    Column("watermark_before", Place),
    Column("watermark_after", Place),
    Index(None, "stream_id", "id"),
    Index("ix_poller_runs_open", "stream_id", sqlite_where=text("outcome IS NULL")),
    sqlite_autoincrement=True,
)

notices = Table(
    "poller_notices",
    metadata,
    Column("run_id", ForeignKey("poller_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("times", Integer, nullable=False, server_default=text("1")),
    Column("text", Text, nullable=False, doc="of the latest"),
    Column("noticed_at", Moment, nullable=False),
)

requests = Table(
    "poller_requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("poller_runs.id", ondelete="CASCADE"), nullable=False),
    Column("sent_at", Moment, nullable=False),
    Column("method", Text, nullable=False),
    Column("url", Text, nullable=False, doc="without secrets"),
    Column("status", Integer),
    Column("duration", Float, nullable=False, doc="seconds"),
    Column("bytes_received", Integer, nullable=False),
    Column("number", Integer, nullable=False, doc="attempt, from 1"),
    Column("request_id", Text),
    Column("error", Text),
    Index(None, "run_id"),
    Index(None, "sent_at"),
)

missed_polls = Table(
    "poller_missed_polls",
    metadata,
    Column("id", Integer, primary_key=True),
    _stream(),
    Column("first_slot", Moment, nullable=False),
    Column("last_slot", Moment, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("healed_by", Integer, doc="the run that covered what these slots should have read"),
    Column("healed_at", Moment),
    Index(None, "stream_id", "last_slot"),
    Index("ix_poller_missed_polls_open", "stream_id", sqlite_where=text("healed_by IS NULL")),
)

coverage = Table(
    "poller_coverage",
    metadata,
    Column("id", Integer, primary_key=True),
    _stream(),
    Column("from_position", Place, doc="null: from the beginning"),
    Column("through_position", Place, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index(None, "stream_id"),
)

changes = Table(
    "poller_changes",
    metadata,
    Column("stream_id", ForeignKey("poller_streams.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("op", Text, nullable=False, doc="snapshot, insert, update, delete"),
    Column("key", Text, nullable=False),
    Column("before", Text, doc="the record as received before; null for a new row"),
    Column("after", Text, doc="the record as received; null for a delete"),
    Column("position", Place),
    Column("observed_at", Moment, nullable=False, doc="when the request that showed it was sent"),
    Column("run_id", Integer, nullable=False),
    sqlite_with_rowid=False,
)

dead_letters = Table(
    "poller_dead_letters",
    metadata,
    Column("id", Integer, primary_key=True),
    _stream(),
    Column("digest", Text, nullable=False, doc="of the payload"),
    Column("key", Text),
    Column("position", Place),
    Column("reason", Text, nullable=False, doc="key, position, value, shape, page"),
    Column("detail", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False, doc="the bytes as received"),
    Column("request_id", Text),
    Column("times", Integer, nullable=False, server_default=text("1")),
    Column("first_seen_at", Moment, nullable=False),
    Column("last_seen_at", Moment, nullable=False),
    _run(),
    Column("closed_at", Moment),
    Column("closed_by", Integer, doc="the run that merged a newer version"),
    Column("closed_how", Text, doc="merged, replayed, discarded"),
    UniqueConstraint("stream_id", "digest"),
    Index("ix_poller_dead_letters_open", "stream_id", "key", sqlite_where=text("closed_at IS NULL")),
)

watermarks = Table(
    "poller_watermarks",
    metadata,
    Column("id", Integer, primary_key=True),
    _stream(),
    Column("moved_at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("from_position", Place),
    Column("to_position", Place, doc="null: from the start"),
    Column("epoch", Integer, nullable=False, doc="after the move"),
    Index(None, "stream_id"),
)

schema_changes = Table(
    "poller_schema_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    _stream(),
    Column("changed_at", Moment, nullable=False),
    Column("kind", Text, nullable=False, doc="column, widened, full"),
    Column("column_name", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("from_type", Text),
    Column("to_type", Text),
    _run(),
    Index(None, "stream_id"),
)

commands = Table(
    "poller_commands",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", ForeignKey("poller_sources.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False, doc="once, replay, reset, …"),
    Column("arguments", Text, nullable=False, doc="JSON"),
    Column("who", Text, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("taken_at", Moment),
    Column("taken_by", Text, doc="token of the process that does it"),
    Column("progress", Text, doc="JSON, while it runs"),
    Column("result", Text, doc="JSON, when it is done"),
    Column("error", Text),
    Column("hint", Text),
    Column("ended_at", Moment),
    CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
    Index(None, "source_id", "state"),
)

listed = Table(
    "poller_listed",
    metadata,
    Column("stream_id", ForeignKey("poller_streams.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True, doc="seen by the full listing that is under way"),
    sqlite_with_rowid=False,
)
