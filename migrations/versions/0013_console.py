"""The history of health, an index by which the rows of a link are found in the audit log, and what files are sorted by.

A table of its own, a column that the database computes, and indexes that MariaDB builds while rows are added: that of
the log takes 2 s for a million rows, on two busy cores. SQLite reads the log and the files once for them, and changes
wait meanwhile. Rows without a link, which all earlier ones are, are not in SQLite's index. It may be run again after it
was broken off.
"""

import sqlalchemy as sa
from alembic import op

from filewallball.database.columns import code_type, key_type, name_type

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INDEX = "ix_audit_log_link"
_COLUMNS = ["link_id", "timestamp_us", "id"]
_NAME_SORT = "substr(coalesce(name_folded, ''), 1, 100)"
_OF_FILES = {
    "ix_files_public_name": ["state", "visibility", "name_sort", "id"],
    "ix_files_owner_name": ["owner_id", "state", "name_sort", "id"],
    "ix_files_public_size": ["state", "visibility", "file_size", "id"],
    "ix_files_owner_size": ["owner_id", "state", "file_size", "id"],
}


def upgrade() -> None:
    if not sa.inspect(op.get_bind()).has_table("health_changes"):
        _create_health_changes()
    if _INDEX not in _indexes("audit_log"):
        _create_link_index()
    if "name_sort" not in _columns_of_files():
        _add_name_sort()
    for name in _OF_FILES.keys() - _indexes("files"):
        _create_index(name, "files", _OF_FILES[name])


def downgrade() -> None:
    for name in _OF_FILES.keys() & _indexes("files"):
        op.drop_index(name, "files")
    if "name_sort" in _columns_of_files():
        op.drop_column("files", "name_sort")
    if _INDEX in _indexes("audit_log"):
        op.drop_index(_INDEX, "audit_log")
    if sa.inspect(op.get_bind()).has_table("health_changes"):
        op.drop_table("health_changes")


def _create_health_changes() -> None:
    op.create_table(
        "health_changes",
        sa.Column("id", key_type(), autoincrement=True, nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("host", name_type(64), nullable=False),
        sa.Column("dependency", code_type(40), nullable=False),
        sa.Column("status", code_type(12), nullable=False),
        sa.Column("error", name_type(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_health_changes"),
        sa.Index("ix_health_changes_time", "changed_us", "id"),
        sa.Index("ix_health_changes_dependency", "dependency", "changed_us", "id"),
        sa.Index("ix_health_changes_host", "host", "dependency", "id"),
    )


def _create_link_index() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(_INDEX, "audit_log", _COLUMNS, sqlite_where=sa.text("link_id IS NOT NULL"))
    else:
        _create_index(_INDEX, "audit_log", _COLUMNS)


def _create_index(name: str, table: str, columns: list[str]) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(name, table, columns)
    else:
        op.execute(
            f"ALTER TABLE {table} ADD INDEX {name} ({', '.join(columns)}), ALGORITHM=INPLACE, LOCK=NONE"
        )


def _add_name_sort() -> None:
    dialect = op.get_bind().dialect
    kind = name_type(100).compile(dialect)
    instant = "" if dialect.name == "sqlite" else ", ALGORITHM=INSTANT"
    op.execute(
        f"ALTER TABLE files ADD COLUMN name_sort {kind} GENERATED ALWAYS AS ({_NAME_SORT}) VIRTUAL{instant}"
    )


def _indexes(table: str) -> set[str]:
    return {str(index["name"]) for index in sa.inspect(op.get_bind()).get_indexes(table)}


def _columns_of_files() -> list[str]:
    return [column["name"] for column in sa.inspect(op.get_bind()).get_columns("files")]
