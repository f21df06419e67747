"""Users, their tokens, blocked networks and quotas. A token is stored as its SHA-256 alone."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table

from filewallball.database.columns import code_type, key_type, name_type
from filewallball.database.metadata import metadata

users = Table(
    "users",
    metadata,
    Column("id", key_type(), primary_key=True, autoincrement=True),
    Column("username", name_type(128), unique=True, nullable=False),
    Column("role", code_type(16), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("disabled_us", BigInteger),
)
"""A person or program that may be named in the audit log; never deleted, only disabled."""

tokens = Table(
    "tokens",
    metadata,
    Column("id", key_type(), primary_key=True, autoincrement=True),
    Column("user_id", key_type(), ForeignKey("users.id"), nullable=False),
    Column("name", name_type(128), nullable=False),
    Column("digest", code_type(64), unique=True, nullable=False),
    Column("prefix", code_type(12), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("revoked_us", BigInteger),
    Column("last_used_us", BigInteger),
    Index("ix_tokens_user", "user_id"),
)
"""A bearer token: `digest` is the SHA-256 of its text, `prefix` its first characters, for people."""

blocks = Table(
    "blocks",
    metadata,
    Column("id", key_type(), primary_key=True, autoincrement=True),
    Column("network", code_type(49), nullable=False),
    Column("reason", name_type(255), nullable=False),
    Column("evidence", name_type(1000), nullable=False),
    Column("origin", code_type(12), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("lifted_us", BigInteger),
    Index("ix_blocks_expiry", "lifted_us", "expires_us"),
)
"""A network whose requests are refused until `expires_us` (NULL: for good) or until it is lifted."""

generations = Table(
    "generations",
    metadata,
    Column("name", code_type(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""A number that every change of the named thing raises, so that a poll costs one row."""

quotas = Table(
    "quotas",
    metadata,
    Column("principal", code_type(64), primary_key=True),
    Column("used_bytes", BigInteger, nullable=False),
    Column("used_files", BigInteger, nullable=False),
    Column("limit_bytes", BigInteger),
    Column("limit_files", BigInteger),
)
"""The use of each principal, and limits of its own where they differ from the settings (NULL: they do not)."""
