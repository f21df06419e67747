"""Alerts received and the SMS that they became."""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type, key_type, name_type, text_type

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", key_type(), primary_key=True, autoincrement=True),
        sa.Column("fingerprint", code_type(64), nullable=False),
        sa.Column("starts_us", sa.BigInteger(), nullable=False),
        sa.Column("ends_us", sa.BigInteger(), nullable=True),
        sa.Column("status", code_type(8), nullable=False),
        sa.Column("name", name_type(128), nullable=False),
        sa.Column("severity", name_type(32), nullable=False),
        sa.Column("receiver", name_type(64), nullable=False),
        sa.Column("labels", text_type(), nullable=False),
        sa.Column("annotations", text_type(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("fingerprint", "starts_us", name="uq_alerts_fingerprint"),
    )
    op.create_index("ix_alerts_start", "alerts", ["starts_us", "id"])
    op.create_index("ix_alerts_status", "alerts", ["status", "starts_us", "id"])
    op.create_table(
        "alert_messages",
        sa.Column("id", key_type(), primary_key=True, autoincrement=True),
        sa.Column("alert_id", key_type(), sa.ForeignKey("alerts.id"), nullable=False),
        sa.Column("status", code_type(8), nullable=False),
        sa.Column("recipient", code_type(16), nullable=False),
        sa.Column("state", code_type(8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("sent_us", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("alert_id", "status", "recipient", name="uq_alert_messages_alert"),
    )
    op.create_index("ix_alert_messages_due", "alert_messages", ["state", "due_us"])


def downgrade() -> None:
    op.drop_table("alert_messages")
    op.drop_table("alerts")
