"""The history of the dependencies' states."""

from sqlalchemy import BigInteger, Column, Index, Table

from filewallball.database.columns import code_type, key_type, name_type
from filewallball.database.metadata import metadata

health_changes = Table(
    "health_changes",
    metadata,
    Column("id", key_type(), primary_key=True, autoincrement=True),
    Column("changed_us", BigInteger, nullable=False),
    Column("host", name_type(64), nullable=False),
    Column("dependency", code_type(40), nullable=False),
    Column("status", code_type(12), nullable=False),
    Column("error", name_type(255), nullable=False),
    Index("ix_health_changes_time", "changed_us", "id"),
    Index("ix_health_changes_dependency", "dependency", "changed_us", "id"),
    Index("ix_health_changes_host", "host", "dependency", "id"),
)
"""A state that a dependency came into, as one host saw it; it lasted until that host's next row."""
