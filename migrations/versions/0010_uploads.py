"""Resumable uploads and their segments."""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type, name_type, text_type

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    here = sa.inspect(op.get_bind())
    if not here.has_table("uploads"):
        _create_uploads()
    existing = {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("uploads")}
    for name, columns in (
        ("ix_uploads_principal", ["principal", "state", "created_us"]),
        ("ix_uploads_active", ["state", "active_us"]),
        ("ix_uploads_created", ["state", "created_us"]),
        ("ix_uploads_ended", ["ended_us"]),
    ):
        if name not in existing:
            op.create_index(name, "uploads", columns)
    if not here.has_table("upload_segments"):
        op.create_table(
            "upload_segments",
            sa.Column("upload_id", code_type(32), nullable=False),
            sa.Column("number", sa.BigInteger(), nullable=False, autoincrement=False),
            sa.Column("size", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("upload_id", "number", name="pk_upload_segments"),
        )


def downgrade() -> None:
    here = sa.inspect(op.get_bind())
    for name in ("upload_segments", "uploads"):
        if here.has_table(name):
            op.drop_table(name)


def _create_uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("upload_id", code_type(32), nullable=False),
        sa.Column("state", code_type(12), nullable=False),
        sa.Column("kind", code_type(8), nullable=False),
        sa.Column("principal", code_type(64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("username", name_type(128), nullable=False),
        sa.Column("token_id", sa.BigInteger(), nullable=False),
        sa.Column("client_ip", code_type(45), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("is_held", sa.Integer(), nullable=False),
        sa.Column("is_wanted", sa.Integer(), nullable=False),
        sa.Column("is_broken", sa.Integer(), nullable=False),
        sa.Column("breaks", sa.BigInteger(), nullable=False),
        sa.Column("charged_bytes", sa.BigInteger(), nullable=False),
        sa.Column("charged_files", sa.BigInteger(), nullable=False),
        sa.Column("metadata", text_type(), nullable=False),
        sa.Column("concat", text_type(), nullable=False),
        sa.Column("filename", name_type(255), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("active_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("event_id", code_type(36), server_default="", nullable=False),
        sa.Column("file_id", code_type(36), server_default="", nullable=False),
        sa.Column("error_code", code_type(40), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("upload_id", name="pk_uploads"),
    )
