"""The sums that statistics are made of."""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = (
    "usage_state",
    "expected_clients",
    "inventory",
    "daily_distinct",
    "daily_seen",
    "latency_hourly",
    "upload_errors_daily",
    "usage_client_daily",
    "usage_hourly",
    "usage_kinds",
)


def upgrade() -> None:
    _create_usage()
    _create_days()
    op.create_table(
        "inventory",
        _text("file_type", 127),
        *_longs("files", "bytes"),
        sa.PrimaryKeyConstraint("file_type", name="pk_inventory"),
    )
    op.create_table(
        "expected_clients",
        _text("client_ip", 45),
        *_ints("expected_within"),
        *_longs("declared_us", "last_upload_us"),
        sa.PrimaryKeyConstraint("client_ip", name="pk_expected_clients"),
    )
    state = op.create_table(
        "usage_state",
        *_ints("id", "newest_hour"),
        *_longs("revision"),
        sa.PrimaryKeyConstraint("id", name="pk_usage_state"),
    )
    sealed = op.get_bind().execute(sa.text("SELECT number FROM audit_chain")).scalar_one()
    # Below zero: rows were sealed before anything added them up, so the service rebuilds the sums first.
    op.bulk_insert(state, [{"id": 1, "newest_hour": 0, "revision": -(2**40) if sealed else 0}])


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)


def _create_usage() -> None:
    op.create_table(
        "usage_kinds",
        *_longs("id"),
        _text("action", 40),
        _text("status", 8),
        _text("error_type", 40),
        _text("file_type", 127),
        sa.PrimaryKeyConstraint("id", name="pk_usage_kinds"),
    )
    op.create_table(
        "usage_hourly",
        *_ints("hour"),
        *_longs("kind_id", "count", "bytes", "duration_us", "timed", "hits", "lookups", "suspicious"),
        sa.PrimaryKeyConstraint("hour", "kind_id", name="pk_usage_hourly"),
    )
    op.create_table(
        "usage_client_daily",
        _text("client_ip", 45),
        *_ints("day"),
        *_longs("kind_id"),
        *_ints("count"),
        *_longs("bytes", "duration_us"),
        *_ints("timed", "hits", "lookups"),
        sa.PrimaryKeyConstraint("client_ip", "day", "kind_id", name="pk_usage_client_daily"),
    )
    op.create_table(
        "latency_hourly",
        *_ints("hour"),
        _text("action", 40),
        *_ints("bucket"),
        *_longs("count"),
        sa.PrimaryKeyConstraint("hour", "action", "bucket", name="pk_latency_hourly"),
    )


def _create_days() -> None:
    op.create_table(
        "upload_errors_daily",
        *_ints("day"),
        _text("client_ip", 45),
        *_ints("count"),
        sa.PrimaryKeyConstraint("day", "client_ip", name="pk_upload_errors_daily"),
    )
    op.create_table(
        "daily_seen",
        *_ints("day"),
        _text("kind", 4),
        _text("key", 45),
        *_ints("count"),
        *_longs("bytes"),
        *_ints("errors"),
        sa.PrimaryKeyConstraint("day", "kind", "key", name="pk_daily_seen"),
    )
    op.create_table(
        "daily_distinct",
        *_ints("day"),
        _text("kind", 4),
        *_ints("count"),
        sa.PrimaryKeyConstraint("day", "kind", name="pk_daily_distinct"),
    )


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, code_type(length), nullable=False)


def _ints(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), autoincrement=False, nullable=False) for name in names]


def _longs(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False) for name in names]
