"""The audit log: a row for each operation, never changed but for `block_id`, and the chain of blocks that seals it."""

from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, text

from filewallball.database.columns import code_type, key_type, name_type, packed_type, text_type
from filewallball.database.metadata import metadata

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", key_type(), primary_key=True, autoincrement=True),
    Column("event_id", code_type(36), unique=True, nullable=False),
    Column("timestamp_us", BigInteger, nullable=False),
    Column("action", code_type(40), nullable=False),
    Column("resource_type", code_type(16), nullable=False),
    Column("resource_id", code_type(128), nullable=False),
    Column("status", code_type(8), nullable=False),
    Column("error_type", code_type(40), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("username", name_type(128), nullable=False),
    Column("token_id", BigInteger, nullable=False),
    Column("ip_address", code_type(45), nullable=False),
    Column("address", packed_type(), nullable=False),
    Column("user_agent", name_type(512), nullable=False),
    Column("request_id", code_type(64), nullable=False),
    Column("file_type", code_type(127), nullable=False),
    Column("file_size", BigInteger, nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Column("cache", code_type(4), nullable=False),
    Column("count", Integer, nullable=False),
    Column("details", text_type(), nullable=False),
    Column("mac", code_type(64), nullable=False),
    Column("block_id", BigInteger),
    Column("format", SmallInteger, server_default=text("1"), nullable=False),
    Column("link_id", code_type(32)),
    Column("trace_id", code_type(32)),
    Index("ix_audit_log_timestamp", "timestamp_us", "id"),
    Index("ix_audit_log_action", "action", "status", "timestamp_us", "id"),
    Index("ix_audit_log_status", "status", "timestamp_us", "id"),
    Index("ix_audit_log_error", "error_type", "timestamp_us", "id"),
    Index("ix_audit_log_user", "user_id", "timestamp_us", "id"),
    Index("ix_audit_log_address", "address", "timestamp_us", "id"),
    Index("ix_audit_log_resource", "resource_id", "timestamp_us", "id"),
    Index("ix_audit_log_request", "request_id"),
    Index("ix_audit_log_block", "block_id", "id"),
    Index("ix_audit_log_trace", "trace_id", "timestamp_us", "id", sqlite_where=text("trace_id IS NOT NULL")),
    Index("ix_audit_log_link", "link_id", "timestamp_us", "id", sqlite_where=text("link_id IS NOT NULL")),
)
"""An event at rest. Times and durations are integer microseconds; '' and 0 stand for «none», and NULL does in what
format 2 added. `format` says which columns the mac covers (`audit_rows`)."""

audit_blocks = Table(
    "audit_blocks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("first_id", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("sealed_us", BigInteger, nullable=False),
    Column("seal", code_type(64), nullable=False),
    Column("pruned_us", BigInteger),
    Column("stub", code_type(64), default="", nullable=False),
)
"""A run of rows sealed together. A block with `pruned_us` is a stub: its rows, and all before them, are gone."""

audit_chain = Table(
    "audit_chain",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("seal", code_type(64), nullable=False),
    Column("pruned", BigInteger, nullable=False),
)
"""The head of the chain, a single row: every sealer must advance it, so that two never seal the same rows."""


audit_formats = Table(
    "audit_formats",
    metadata,
    Column("mac", code_type(64), primary_key=True),
    Column("format", Integer, nullable=False),
    Column("finished_us", BigInteger, nullable=False),
)
"""The formats of rows that all processes understand, each with the service's own mac (`row_format`)."""


class AuditRecord(NamedTuple):
    """A genuine row of the audit log as rollups see it; the names are those of the log's columns."""

    id: int
    event_id: str
    timestamp_us: int
    action: str
    resource_type: str
    resource_id: str
    status: str
    error_type: str
    user_id: int
    username: str
    token_id: int
    ip_address: str
    user_agent: str
    request_id: str
    file_type: str
    file_size: int
    duration_us: int
    cache: str
    count: int  # type: ignore[assignment]
    details: str
    format: int = 1
    link_id: str = ""
    trace_id: str = ""
