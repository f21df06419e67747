"""Links to files, the claims that downloads by them open, and sums of their use.

Tables of their own: the service may run meanwhile. It may be run again after it was broken off.
"""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type, key_type, name_type

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    here = sa.inspect(op.get_bind())
    if not here.has_table("links"):
        _create_links()
    existing = {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("links")}
    for name, columns in (
        ("ix_links_file", ["file_id", "id"]),
        ("ix_links_owner", ["owner_id", "id"]),
        ("ix_links_ended", ["ended_us", "id"]),
    ):
        if name not in existing:
            op.create_index(name, "links", columns)
    if not here.has_table("link_claims"):
        op.create_table(
            "link_claims",
            sa.Column("link_id", code_type(32), nullable=False),
            sa.Column("network", code_type(64), nullable=False),
            sa.Column("etag", code_type(64), nullable=False),
            sa.Column("until_us", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("link_id", "network", "etag", name="pk_link_claims"),
            sa.Index("ix_link_claims_until", "until_us"),
        )

    if not here.has_table("usage_link_daily"):
        op.create_table(
            "usage_link_daily",
            sa.Column("link_id", code_type(32), nullable=False),
            sa.Column("day", sa.Integer(), nullable=False, autoincrement=False),
            sa.Column("kind_id", sa.BigInteger(), nullable=False, autoincrement=False),
            sa.Column("count", sa.BigInteger(), nullable=False),
            sa.Column("bytes", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("link_id", "day", "kind_id", name="pk_usage_link_daily"),
            sa.Index("ix_usage_link_daily_day", "day"),
        )


def downgrade() -> None:
    here = sa.inspect(op.get_bind())
    for name in ("usage_link_daily", "link_claims", "links"):
        if here.has_table(name):
            op.drop_table(name)


def _create_links() -> None:
    op.create_table(
        "links",
        sa.Column("id", key_type(), autoincrement=True, nullable=False),
        sa.Column("link_id", code_type(32), nullable=False),
        sa.Column("file_id", code_type(36), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", name_type(255), nullable=False),
        sa.Column("secret_digest", code_type(64), nullable=False),
        sa.Column("password_hash", code_type(255), nullable=False),
        sa.Column("one_time", sa.Integer(), nullable=False),
        sa.Column("max_downloads", sa.BigInteger(), nullable=True),
        sa.Column("downloads", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=True),
        sa.Column("revoked_us", sa.BigInteger(), nullable=True),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
        sa.UniqueConstraint("link_id", name="uq_links_link_id"),
    )
