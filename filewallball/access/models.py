"""Users, their tokens, blocked networks and quotas. A token is stored as its SHA-256 alone."""

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from filewallball.database.columns import code_type, key_type, name_type
from filewallball.database.tables import Base


class User(Base):
    """A person or program that may be named in the audit log; never deleted, only disabled."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(key_type(), primary_key=True, autoincrement=True)
    username: Mapped[str] = mapped_column(name_type(128), unique=True)
    role: Mapped[str] = mapped_column(code_type(16))
    created_us: Mapped[int] = mapped_column(BigInteger)
    disabled_us: Mapped[int | None] = mapped_column(BigInteger)


class Token(Base):
    """A bearer token: `digest` is the SHA-256 of its text, `prefix` its first characters, for people."""

    __tablename__ = "tokens"
    __table_args__ = (Index("ix_tokens_user", "user_id"),)

    id: Mapped[int] = mapped_column(key_type(), primary_key=True, autoincrement=True)
    user_id: Mapped[int] = mapped_column(key_type(), ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(name_type(128))
    digest: Mapped[str] = mapped_column(code_type(64), unique=True)
    prefix: Mapped[str] = mapped_column(code_type(12))
    created_us: Mapped[int] = mapped_column(BigInteger)
    expires_us: Mapped[int | None] = mapped_column(BigInteger)
    revoked_us: Mapped[int | None] = mapped_column(BigInteger)
    last_used_us: Mapped[int | None] = mapped_column(BigInteger)


class Block(Base):
    """A network whose requests are refused until `expires_us` (NULL: for good) or until it is lifted."""

    __tablename__ = "blocks"
    __table_args__ = (Index("ix_blocks_expiry", "lifted_us", "expires_us"),)

    id: Mapped[int] = mapped_column(key_type(), primary_key=True, autoincrement=True)
    network: Mapped[str] = mapped_column(code_type(49))
    reason: Mapped[str] = mapped_column(name_type(255))
    evidence: Mapped[str] = mapped_column(name_type(1000))
    origin: Mapped[str] = mapped_column(code_type(12))
    created_us: Mapped[int] = mapped_column(BigInteger)
    expires_us: Mapped[int | None] = mapped_column(BigInteger)
    lifted_us: Mapped[int | None] = mapped_column(BigInteger)


class Generation(Base):
    """A number that every change of the named thing raises, so that a poll costs one row."""

    __tablename__ = "generations"

    name: Mapped[str] = mapped_column(code_type(32), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class Quota(Base):
    """What one principal keeps, and limits of its own where they differ from the settings (NULL: they do not)."""

    __tablename__ = "quotas"

    principal: Mapped[str] = mapped_column(code_type(64), primary_key=True)
    used_bytes: Mapped[int] = mapped_column(BigInteger)
    used_files: Mapped[int] = mapped_column(BigInteger)
    limit_bytes: Mapped[int | None] = mapped_column(BigInteger)
    limit_files: Mapped[int | None] = mapped_column(BigInteger)
