"""Hourly totals of the audit log, and indexes for its filters."""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_totals",
        sa.Column("action", code_type(40), nullable=False),
        sa.Column("status", code_type(8), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("action", "status", "hour", name="pk_audit_totals"),
    )
    op.execute(
        "INSERT INTO audit_totals (action, status, hour, row_count) "
        "SELECT action, status, (timestamp_us - timestamp_us % 3600000000) / 3600000000 AS hour, COUNT(*) "
        "FROM audit_log WHERE block_id > 0 GROUP BY action, status, hour"
    )
    op.create_index("ix_audit_log_error", "audit_log", ["error_type", "timestamp_us", "id"])
    op.drop_index("ix_audit_log_action", "audit_log")
    op.create_index("ix_audit_log_action", "audit_log", ["action", "status", "timestamp_us", "id"])


def downgrade() -> None:
    op.drop_index("ix_audit_log_action", "audit_log")
    op.create_index("ix_audit_log_action", "audit_log", ["action", "timestamp_us", "id"])
    op.drop_index("ix_audit_log_error", "audit_log")
    op.drop_table("audit_totals")
