"""Blocks and quotas; whose quota a file counts towards, and why it is suspicious."""

import ipaddress

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type, key_type, name_type

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_blocks()
    op.create_table(
        "quotas",
        sa.Column("principal", code_type(64), nullable=False),
        sa.Column("used_bytes", sa.BigInteger(), nullable=False),
        sa.Column("used_files", sa.BigInteger(), nullable=False),
        sa.Column("limit_bytes", sa.BigInteger(), nullable=True),
        sa.Column("limit_files", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("principal", name="pk_quotas"),
    )
    with op.batch_alter_table("files") as batch:
        batch.add_column(sa.Column("principal", code_type(64), nullable=False, server_default=""))
        batch.add_column(sa.Column("suspicion", code_type(255), nullable=False, server_default=""))
    _fill_principals()
    op.create_index("ix_files_principal", "files", ["principal", "state"])


def downgrade() -> None:
    op.drop_index("ix_files_principal", "files")
    with op.batch_alter_table("files") as batch:
        batch.drop_column("suspicion")
        batch.drop_column("principal")
    for table in ("quotas", "generations", "blocks"):
        op.drop_table(table)


def _create_blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("id", key_type(), autoincrement=True, nullable=False),
        sa.Column("network", code_type(49), nullable=False),
        sa.Column("reason", name_type(255), nullable=False),
        sa.Column("evidence", name_type(1000), nullable=False),
        sa.Column("origin", code_type(12), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=True),
        sa.Column("lifted_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_blocks"),
    )
    op.create_index("ix_blocks_expiry", "blocks", ["lifted_us", "expires_us"])
    generations = op.create_table(
        "generations",
        sa.Column("name", code_type(32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_generations"),
    )
    op.bulk_insert(generations, [{"name": "blocks", "value": 0}])


def _fill_principals() -> None:
    """Owned files count towards their owner, others towards the address, or the /64, that they came from."""
    files = sa.table("files", sa.column("principal"), sa.column("owner_id"), sa.column("client_ip"))
    connection = op.get_bind()
    owners = sa.select(files.c.owner_id).where(files.c.owner_id > 0).distinct()
    for owner_id in connection.execute(owners).scalars().all():
        owned = sa.update(files).where(files.c.owner_id == owner_id)
        connection.execute(owned.values(principal=f"user:{owner_id}"))
    addresses = sa.select(files.c.client_ip).where(files.c.owner_id == 0).distinct()
    for address in connection.execute(addresses).scalars().all():
        sent = sa.update(files).where(files.c.owner_id == 0, files.c.client_ip == address)
        connection.execute(sent.values(principal=_network(address)))


def _network(address: str) -> str:
    parsed = ipaddress.ip_address(address or "127.0.0.1")
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))
