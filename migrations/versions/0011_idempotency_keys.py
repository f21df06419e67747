"""The idempotency keys that are in use, and the answers that were given under them.

A table of its own: the service may run meanwhile. It may be run again after it was broken off.
"""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type, sealed_type

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if sa.inspect(op.get_bind()).has_table("idempotency_keys"):
        return
    op.create_table(
        "idempotency_keys",
        sa.Column("principal", code_type(64), nullable=False),
        sa.Column("key_digest", code_type(64), nullable=False),
        sa.Column("state", code_type(8), nullable=False),
        sa.Column("holder", code_type(36), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("content_digest", code_type(64), nullable=False),
        sa.Column("answer", sealed_type(), nullable=True),
        sa.Column("done_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("principal", "key_digest", name="pk_idempotency_keys"),
        sa.Index("ix_idempotency_keys_state", "state", "done_us"),
    )


def downgrade() -> None:
    if sa.inspect(op.get_bind()).has_table("idempotency_keys"):
        op.drop_table("idempotency_keys")
