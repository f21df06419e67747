"""Resumable uploads: the state of each, and how many bytes of each of its segments count."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, and_

from filewallball.database.columns import code_type, name_type, text_type
from filewallball.database.metadata import metadata

RECEIVING, DONE, EXPIRED, TERMINATED, REFUSED = "receiving", "done", "expired", "terminated", "refused"
PARTIAL, FINAL = "partial", "final"

uploads = Table(
    "uploads",
    metadata,
    Column("upload_id", code_type(32), primary_key=True),
    Column("state", code_type(12), nullable=False),
    Column("kind", code_type(8), nullable=False),
    Column("principal", code_type(64), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("username", name_type(128), nullable=False),
    Column("token_id", BigInteger, nullable=False),
    Column("client_ip", code_type(45), nullable=False),
    Column("length", BigInteger),
    Column("received", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("segment", BigInteger, nullable=False),
    Column("is_held", Integer, nullable=False),
    Column("is_wanted", Integer, nullable=False),
    Column("is_broken", Integer, nullable=False),
    Column("breaks", BigInteger, nullable=False),
    Column("charged_bytes", BigInteger, nullable=False),
    Column("charged_files", BigInteger, nullable=False),
    Column("metadata", text_type(), nullable=False),
    Column("concat", text_type(), nullable=False),
    Column("filename", name_type(255), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("active_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("event_id", code_type(36), server_default="", nullable=False),
    Column("file_id", code_type(36), server_default="", nullable=False),
    Column("error_code", code_type(40), server_default="", nullable=False),
    Column("digest", code_type(255), server_default="", nullable=False),
    Index("ix_uploads_principal", "principal", "state", "created_us"),
    Index("ix_uploads_active", "state", "active_us"),
    Index("ix_uploads_created", "state", "created_us"),
    Index("ix_uploads_ended", "ended_us"),
)
"""An upload. `epoch` grows with each request that takes it over; only the holder of the present one may record bytes.

`received` is synced, and is never the length before the file is committed. `is_held` says that a request holds the
epoch, `is_wanted` that another waits for it. `digest` is the state of the SHA-256 of what was received, empty if
unknown.
"""

AWAITS_OTHERS = and_(
    uploads.c.kind == PARTIAL,
    uploads.c.length.is_not(None),
    uploads.c.received == uploads.c.length,
    uploads.c.charged_bytes > 0,
)
"""A complete part of a concatenation that has become no file yet; what has is charged as that."""

upload_segments = Table(
    "upload_segments",
    metadata,
    Column("upload_id", code_type(32), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
)
"""The bytes of each segment that count; their sum is `uploads.received`."""
