"""Files as clients know them, and the blobs that hold their bytes (design: section 3, Bytes)."""

from sqlalchemy import BigInteger, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from filewallball.database.columns import code_type, key_type, name_type
from filewallball.database.tables import Base

LIVE, QUARANTINED, DELETED, EXPIRED = "live", "quarantined", "deleted", "expired"
KEPT = (LIVE, QUARANTINED)
PUBLIC, UNLISTED, PRIVATE = "public", "unlisted", "private"


class Blob(Base):
    """Bytes on disk. `live` is 1, or NULL once the sweep condemned it: then a new blob of the same hash may be born."""

    __tablename__ = "blobs"
    __table_args__ = (
        UniqueConstraint("sha256", "live", name="uq_blobs_content"),
        UniqueConstraint("path", name="uq_blobs_path"),
        Index("ix_blobs_refs", "refs"),
        Index("ix_blobs_scan", "scan_state", "id"),
        Index("ix_blobs_verified", "verified_us", "id"),
        Index("ix_blobs_damaged", "damaged_us"),
    )

    id: Mapped[int] = mapped_column(key_type(), primary_key=True, autoincrement=True)
    sha256: Mapped[str] = mapped_column(code_type(64))
    live: Mapped[int | None] = mapped_column(Integer)
    refs: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(BigInteger)
    path: Mapped[str] = mapped_column(code_type(128))
    scan_state: Mapped[str] = mapped_column(code_type(8), server_default="")
    scanned_us: Mapped[int | None] = mapped_column(BigInteger)
    verified_us: Mapped[int] = mapped_column(BigInteger, server_default="0")
    damaged_us: Mapped[int | None] = mapped_column(BigInteger)


class File(Base):
    """One upload. The row stays for ever, so that an id is never given to other bytes; its blob goes when unused."""

    __tablename__ = "files"
    __table_args__ = (
        Index("ix_files_public", "state", "visibility", "upload_us", "id"),
        Index("ix_files_owner", "owner_id", "state", "upload_us", "id"),
        Index("ix_files_expiry", "state", "expires_us"),
        Index("ix_files_blob", "blob_id"),
        Index("ix_files_principal", "principal", "state"),
    )

    id: Mapped[int] = mapped_column(key_type(), primary_key=True, autoincrement=True)
    file_id: Mapped[str] = mapped_column(code_type(36), unique=True)
    state: Mapped[str] = mapped_column(code_type(12))
    visibility: Mapped[str] = mapped_column(code_type(8))
    filename: Mapped[str] = mapped_column(name_type(255))
    description: Mapped[str] = mapped_column(name_type(1000))
    file_size: Mapped[int] = mapped_column(BigInteger)
    mime_type: Mapped[str] = mapped_column(code_type(127))
    claimed_type: Mapped[str] = mapped_column(code_type(127))
    file_hash: Mapped[str] = mapped_column(code_type(64))
    blob_id: Mapped[int] = mapped_column(BigInteger)
    owner_id: Mapped[int] = mapped_column(BigInteger)
    delete_digest: Mapped[str] = mapped_column(code_type(64))
    client_ip: Mapped[str] = mapped_column(code_type(45))
    principal: Mapped[str] = mapped_column(code_type(64), server_default="")
    suspicion: Mapped[str] = mapped_column(code_type(255), server_default="")
    upload_us: Mapped[int] = mapped_column(BigInteger)
    expires_us: Mapped[int | None] = mapped_column(BigInteger)
    ended_us: Mapped[int | None] = mapped_column(BigInteger)
