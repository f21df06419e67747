"""Users and their tokens. A token is stored as its SHA-256 alone."""

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from filewallball.database import code_type, key_type, name_type
from filewallball.extensions import Base


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
