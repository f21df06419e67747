"""The history of health, and an index by which the rows of a link are found in the audit log.

A table of its own, and an index that MariaDB builds while rows are added; SQLite reads the log once for it, and
changes wait meanwhile. Rows without a link, which all earlier ones are, are not in SQLite's. It may be run again after
it was broken off.
"""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type, key_type, name_type

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INDEX = "ix_audit_log_link"
_COLUMNS = ["link_id", "timestamp_us", "id"]


def upgrade() -> None:
    if not sa.inspect(op.get_bind()).has_table("health_changes"):
        _create_health_changes()
    if not _has_index():
        _create_index()


def downgrade() -> None:
    if _has_index():
        op.drop_index(_INDEX, "audit_log")
    if sa.inspect(op.get_bind()).has_table("health_changes"):
        op.drop_table("health_changes")


def _create_health_changes() -> None:
    op.create_table(
        "health_changes",
        sa.Column("id", key_type(), autoincrement=True, nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("host", name_type(64), nullable=False),
        sa.Column("dependency", code_type(40), nullable=False),
        sa.Column("status", code_type(12), nullable=False),
        sa.Column("error", name_type(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_health_changes"),
        sa.Index("ix_health_changes_time", "changed_us", "id"),
        sa.Index("ix_health_changes_dependency", "dependency", "changed_us", "id"),
        sa.Index("ix_health_changes_host", "host", "dependency", "id"),
    )


def _has_index() -> bool:
    indexes = sa.inspect(op.get_bind()).get_indexes("audit_log")
    return _INDEX in [index["name"] for index in indexes]


def _create_index() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(_INDEX, "audit_log", _COLUMNS, sqlite_where=sa.text("link_id IS NOT NULL"))
    else:
        op.execute(
            f"ALTER TABLE audit_log ADD INDEX {_INDEX} ({', '.join(_COLUMNS)}), ALGORITHM=INPLACE, LOCK=NONE"
        )
