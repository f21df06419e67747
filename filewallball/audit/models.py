"""The audit tables: a row for each operation, never changed but for `block_id`, and what seals them."""

from sqlalchemy import BigInteger, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from filewallball.database.columns import code_type, key_type, name_type, packed_type, text_type
from filewallball.database.tables import Base


class AuditRow(Base):
    """An event at rest. Times and durations are integer microseconds; '' and 0 stand for «none»."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_timestamp", "timestamp_us", "id"),
        Index("ix_audit_log_action", "action", "status", "timestamp_us", "id"),
        Index("ix_audit_log_status", "status", "timestamp_us", "id"),
        Index("ix_audit_log_error", "error_type", "timestamp_us", "id"),
        Index("ix_audit_log_user", "user_id", "timestamp_us", "id"),
        Index("ix_audit_log_address", "address", "timestamp_us", "id"),
        Index("ix_audit_log_resource", "resource_id", "timestamp_us", "id"),
        Index("ix_audit_log_request", "request_id"),
        Index("ix_audit_log_block", "block_id", "id"),
    )

    id: Mapped[int] = mapped_column(key_type(), primary_key=True, autoincrement=True)
    event_id: Mapped[str] = mapped_column(code_type(36), unique=True)
    timestamp_us: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(code_type(40))
    resource_type: Mapped[str] = mapped_column(code_type(16))
    resource_id: Mapped[str] = mapped_column(code_type(128))
    status: Mapped[str] = mapped_column(code_type(8))
    error_type: Mapped[str] = mapped_column(code_type(40))
    user_id: Mapped[int] = mapped_column(BigInteger)
    username: Mapped[str] = mapped_column(name_type(128))
    token_id: Mapped[int] = mapped_column(BigInteger)
    ip_address: Mapped[str] = mapped_column(code_type(45))
    address: Mapped[bytes] = mapped_column(packed_type())
    user_agent: Mapped[str] = mapped_column(name_type(512))
    request_id: Mapped[str] = mapped_column(code_type(64))
    file_type: Mapped[str] = mapped_column(code_type(127))
    file_size: Mapped[int] = mapped_column(BigInteger)
    duration_us: Mapped[int] = mapped_column(BigInteger)
    cache: Mapped[str] = mapped_column(code_type(4))
    count: Mapped[int] = mapped_column(Integer)
    details: Mapped[str] = mapped_column(text_type())
    mac: Mapped[str] = mapped_column(code_type(64))
    block_id: Mapped[int | None] = mapped_column(BigInteger)


class AuditBlock(Base):
    """A run of rows sealed together. A block with `pruned_us` is a stub: its rows, and all before them, are gone."""

    __tablename__ = "audit_blocks"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    first_id: Mapped[int] = mapped_column(BigInteger)
    last_id: Mapped[int] = mapped_column(BigInteger)
    row_count: Mapped[int] = mapped_column(Integer)
    first_us: Mapped[int] = mapped_column(BigInteger)
    last_us: Mapped[int] = mapped_column(BigInteger)
    sealed_us: Mapped[int] = mapped_column(BigInteger)
    seal: Mapped[str] = mapped_column(code_type(64))
    pruned_us: Mapped[int | None] = mapped_column(BigInteger)
    stub: Mapped[str] = mapped_column(code_type(64), default="")


class AuditChain(Base):
    """The head of the chain, a single row: what every digest must advance, so that two never seal the same rows."""

    __tablename__ = "audit_chain"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    seal: Mapped[str] = mapped_column(code_type(64))
    pruned: Mapped[int] = mapped_column(BigInteger)


class AuditTotal(Base):
    """How many sealed rows of an action and outcome an hour holds, so that totals need no counting."""

    __tablename__ = "audit_totals"

    action: Mapped[str] = mapped_column(code_type(40), primary_key=True)
    status: Mapped[str] = mapped_column(code_type(8), primary_key=True)
    hour: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    row_count: Mapped[int] = mapped_column(BigInteger)
