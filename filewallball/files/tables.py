"""Files as clients know them, and the blobs that hold their bytes (design: section 3, Bytes)."""

from sqlalchemy import BigInteger, Column, Computed, Index, Integer, Table, UniqueConstraint

from filewallball.database.columns import code_type, key_type, name_type
from filewallball.database.metadata import metadata

LIVE, QUARANTINED, DELETED, EXPIRED = "live", "quarantined", "deleted", "expired"
KEPT = (LIVE, QUARANTINED)
PUBLIC, UNLISTED, PRIVATE = "public", "unlisted", "private"

NAME_SORT = "substr(coalesce(name_folded, ''), 1, 100)"
"""As much of a folded name as files are sorted by: an index of MariaDB holds no more than 768 characters."""

blobs = Table(
    "blobs",
    metadata,
    Column("id", key_type(), primary_key=True, autoincrement=True),
    Column("sha256", code_type(64), nullable=False),
    Column("live", Integer),
    Column("refs", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("path", code_type(128), nullable=False),
    Column("scan_state", code_type(8), server_default="", nullable=False),
    Column("scanned_us", BigInteger),
    Column("verified_us", BigInteger, server_default="0", nullable=False),
    Column("damaged_us", BigInteger),
    UniqueConstraint("sha256", "live", name="uq_blobs_content"),
    UniqueConstraint("path", name="uq_blobs_path"),
    Index("ix_blobs_refs", "refs"),
    Index("ix_blobs_scan", "scan_state", "id"),
    Index("ix_blobs_verified", "verified_us", "id"),
    Index("ix_blobs_damaged", "damaged_us"),
)
"""Bytes on disk. `live` is 1, or NULL once the sweep condemned it: then a new blob of the same hash may be born."""

files = Table(
    "files",
    metadata,
    Column("id", key_type(), primary_key=True, autoincrement=True),
    Column("file_id", code_type(36), unique=True, nullable=False),
    Column("state", code_type(12), nullable=False),
    Column("visibility", code_type(8), nullable=False),
    Column("filename", name_type(255), nullable=False),
    Column("description", name_type(1000), nullable=False),
    Column("file_size", BigInteger, nullable=False),
    Column("mime_type", code_type(127), nullable=False),
    Column("claimed_type", code_type(127), nullable=False),
    Column("file_hash", code_type(64), nullable=False),
    Column("blob_id", BigInteger, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("delete_digest", code_type(64), nullable=False),
    Column("client_ip", code_type(45), nullable=False),
    Column("principal", code_type(64), server_default="", nullable=False),
    Column("suspicion", code_type(255), server_default="", nullable=False),
    Column("upload_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("ended_us", BigInteger),
    Column("name_folded", name_type(6 * 255)),
    Column("name_sort", name_type(100), Computed(NAME_SORT, persisted=False)),
    Index("ix_files_public", "state", "visibility", "upload_us", "id"),
    Index("ix_files_owner", "owner_id", "state", "upload_us", "id"),
    Index("ix_files_public_name", "state", "visibility", "name_sort", "id"),
    Index("ix_files_owner_name", "owner_id", "state", "name_sort", "id"),
    Index("ix_files_public_size", "state", "visibility", "file_size", "id"),
    Index("ix_files_owner_size", "owner_id", "state", "file_size", "id"),
    Index("ix_files_expiry", "state", "expires_us"),
    Index("ix_files_blob", "blob_id"),
    Index("ix_files_principal", "principal", "state"),
)
"""One upload. The row stays for ever, so that an id is never given to other bytes; its blob goes when unused.

`name_folded` is `text.fold` of `filename`, and is written with it. NULL where an earlier release wrote the row and
`files/name_backfill.py` has not reached it yet. The database itself makes `name_sort` of it.
"""

backfills = Table(
    "backfills",
    metadata,
    Column("name", code_type(32), primary_key=True),
    Column("position", BigInteger, nullable=False),
)
"""The progress of a job that fills a new column in rows of earlier releases: no row up to this id lacks it any more."""
