"""Names as a search compares them, and how far a job is that gives them to the files of earlier releases.

Only the description of the tables changes, so this takes as long for ten million files as for none, and the service
may run meanwhile. It may be run again after it was broken off: MariaDB keeps what was done until then.
"""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type, name_type

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    here = sa.inspect(op.get_bind())
    if "name_folded" not in [column["name"] for column in here.get_columns("files")]:
        _add_column()
    if not here.has_table("backfills"):
        op.create_table(
            "backfills",
            sa.Column("name", code_type(32), nullable=False),
            sa.Column("position", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("name", name="pk_backfills"),
        )


def downgrade() -> None:
    here = sa.inspect(op.get_bind())
    if here.has_table("backfills"):
        op.drop_table("backfills")
    if "name_folded" in [column["name"] for column in here.get_columns("files")]:
        op.drop_column("files", "name_folded")


def _add_column() -> None:
    column = sa.Column("name_folded", name_type(1530), nullable=True)
    if op.get_bind().dialect.name == "sqlite":
        op.add_column("files", column)
        return
    kind = column.type.compile(op.get_bind().dialect)
    op.execute(f"ALTER TABLE files ADD COLUMN name_folded {kind} NULL, ALGORITHM=INSTANT")
