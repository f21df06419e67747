"""How far the digest of an unfinished upload has come, so that whoever goes on with it need not read its bytes again.

A column that old rows have empty; both databases add it without touching a row. It may be run again after it was broken
off.
"""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if not _is_there():
        op.add_column("uploads", sa.Column("digest", code_type(255), nullable=False, server_default=""))


def downgrade() -> None:
    if _is_there():
        op.drop_column("uploads", "digest")


def _is_there() -> bool:
    return any(column["name"] == "digest" for column in sa.inspect(op.get_bind()).get_columns("uploads"))
