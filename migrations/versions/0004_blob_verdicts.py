"""What the scanner and the scrub found of a blob, and leases that hold the sweep back."""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("blobs") as batch:
        batch.add_column(sa.Column("scan_state", code_type(8), nullable=False, server_default=""))
        batch.add_column(sa.Column("scanned_us", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("verified_us", sa.BigInteger(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("damaged_us", sa.BigInteger(), nullable=True))
        batch.create_index("ix_blobs_scan", ["scan_state", "id"])
        batch.create_index("ix_blobs_verified", ["verified_us", "id"])
        batch.create_index("ix_blobs_damaged", ["damaged_us"])
    op.create_table(
        "leases",
        sa.Column("lease_id", code_type(36), nullable=False),
        sa.Column("purpose", code_type(40), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lease_id", name="pk_leases"),
    )


def downgrade() -> None:
    op.drop_table("leases")
    with op.batch_alter_table("blobs") as batch:
        for name in ("scan", "verified", "damaged"):
            batch.drop_index(f"ix_blobs_{name}")
        for column in ("damaged_us", "verified_us", "scanned_us", "scan_state"):
            batch.drop_column(column)
