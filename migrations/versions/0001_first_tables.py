"""First tables: users, tokens, blobs, files, audit_log."""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type, key_type, name_type, packed_type, text_type

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_access()
    _create_files()
    _create_audit()


def downgrade() -> None:
    for table in ("audit_log", "files", "blobs", "tokens", "users"):
        op.drop_table(table)


def _create_access() -> None:
    op.create_table(
        "users",
        sa.Column("id", key_type(), autoincrement=True, nullable=False),
        sa.Column("username", name_type(128), nullable=False),
        sa.Column("role", code_type(16), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("disabled_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("username", name="uq_users_username"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", key_type(), autoincrement=True, nullable=False),
        sa.Column("user_id", key_type(), nullable=False),
        sa.Column("name", name_type(128), nullable=False),
        sa.Column("digest", code_type(64), nullable=False),
        sa.Column("prefix", code_type(12), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=True),
        sa.Column("revoked_us", sa.BigInteger(), nullable=True),
        sa.Column("last_used_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_tokens_user_id"),
    )
    op.create_index("ix_tokens_user", "tokens", ["user_id"])


def _create_files() -> None:
    op.create_table(
        "blobs",
        sa.Column("id", key_type(), autoincrement=True, nullable=False),
        sa.Column("sha256", code_type(64), nullable=False),
        sa.Column("live", sa.Integer(), nullable=True),
        sa.Column("refs", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("path", code_type(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blobs"),
        sa.UniqueConstraint("sha256", "live", name="uq_blobs_content"),
        sa.UniqueConstraint("path", name="uq_blobs_path"),
    )
    op.create_index("ix_blobs_refs", "blobs", ["refs"])
    op.create_table(
        "files",
        sa.Column("id", key_type(), autoincrement=True, nullable=False),
        sa.Column("file_id", code_type(36), nullable=False),
        sa.Column("state", code_type(12), nullable=False),
        sa.Column("visibility", code_type(8), nullable=False),
        sa.Column("filename", name_type(255), nullable=False),
        sa.Column("description", name_type(1000), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("mime_type", code_type(127), nullable=False),
        sa.Column("claimed_type", code_type(127), nullable=False),
        sa.Column("file_hash", code_type(64), nullable=False),
        sa.Column("blob_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("delete_digest", code_type(64), nullable=False),
        sa.Column("client_ip", code_type(45), nullable=False),
        sa.Column("upload_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=True),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.UniqueConstraint("file_id", name="uq_files_file_id"),
    )
    op.create_index("ix_files_public", "files", ["state", "visibility", "upload_us", "id"])
    op.create_index("ix_files_owner", "files", ["owner_id", "state", "upload_us", "id"])
    op.create_index("ix_files_expiry", "files", ["state", "expires_us"])
    op.create_index("ix_files_blob", "files", ["blob_id"])


def _create_audit() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", key_type(), autoincrement=True, nullable=False),
        sa.Column("event_id", code_type(36), nullable=False),
        sa.Column("timestamp_us", sa.BigInteger(), nullable=False),
        sa.Column("action", code_type(40), nullable=False),
        sa.Column("resource_type", code_type(16), nullable=False),
        sa.Column("resource_id", code_type(128), nullable=False),
        sa.Column("status", code_type(8), nullable=False),
        sa.Column("error_type", code_type(40), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("username", name_type(128), nullable=False),
        sa.Column("token_id", sa.BigInteger(), nullable=False),
        sa.Column("ip_address", code_type(45), nullable=False),
        sa.Column("address", packed_type(), nullable=False),
        sa.Column("user_agent", name_type(512), nullable=False),
        sa.Column("request_id", code_type(64), nullable=False),
        sa.Column("file_type", code_type(127), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("duration_us", sa.BigInteger(), nullable=False),
        sa.Column("cache", code_type(4), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("details", text_type(), nullable=False),
        sa.Column("mac", code_type(64), nullable=False),
        sa.Column("block_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        sa.UniqueConstraint("event_id", name="uq_audit_log_event_id"),
    )
    for name, columns in {
        "timestamp": ["timestamp_us", "id"],
        "action": ["action", "timestamp_us", "id"],
        "status": ["status", "timestamp_us", "id"],
        "user": ["user_id", "timestamp_us", "id"],
        "address": ["address", "timestamp_us", "id"],
        "resource": ["resource_id", "timestamp_us", "id"],
        "request": ["request_id"],
        "block": ["block_id", "id"],
    }.items():
        op.create_index(f"ix_audit_log_{name}", "audit_log", columns)
