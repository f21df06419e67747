"""The rows of a trace in order of time, so that a page of a trace with very many rows costs what any page costs.

MariaDB builds the index while rows are added. SQLite reads the log once for it, as for the index before. It may be run
again after it was broken off.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INDEX = "ix_audit_log_trace"
_COLUMNS = ["trace_id", "timestamp_us", "id"]


def upgrade() -> None:
    _replace(_COLUMNS)


def downgrade() -> None:
    _replace(_COLUMNS[:1])


def _replace(columns: list[str]) -> None:
    indexes = {
        index["name"]: index["column_names"] for index in sa.inspect(op.get_bind()).get_indexes("audit_log")
    }
    if indexes.get(_INDEX) == columns:
        return
    if op.get_bind().dialect.name == "sqlite":
        if _INDEX in indexes:
            op.drop_index(_INDEX, "audit_log")
        op.create_index(_INDEX, "audit_log", columns, sqlite_where=sa.text("trace_id IS NOT NULL"))
        return
    drop = f"DROP INDEX {_INDEX}, " if _INDEX in indexes else ""
    added = f"ADD INDEX {_INDEX} ({', '.join(columns)})"
    op.execute(f"ALTER TABLE audit_log {drop}{added}, ALGORITHM=INPLACE, LOCK=NONE")
