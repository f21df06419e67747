"""Sealed blocks of the audit log, and the head of their chain."""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_blocks",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("first_us", sa.BigInteger(), nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.Column("sealed_us", sa.BigInteger(), nullable=False),
        sa.Column("seal", code_type(64), nullable=False),
        sa.Column("pruned_us", sa.BigInteger(), nullable=True),
        sa.Column("stub", code_type(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_blocks"),
    )
    chain = op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("seal", code_type(64), nullable=False),
        sa.Column("pruned", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_chain"),
    )
    op.bulk_insert(chain, [{"id": 1, "number": 0, "seal": "", "pruned": 0}])


def downgrade() -> None:
    op.execute("UPDATE audit_log SET block_id = NULL")
    op.drop_table("audit_chain")
    op.drop_table("audit_blocks")
