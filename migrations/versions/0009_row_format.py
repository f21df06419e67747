"""The format of each audit row, the link and the trace of its request, and the formats that all processes understand.

The columns only change the description of the table, so they take as long for ten million rows as for none; what is
on record keeps format 1 and is not touched. MariaDB builds the index while rows are added. SQLite reads the log once
for it, 0.15 s for a million rows that are in memory, and changes wait meanwhile. It may be run again after it was
broken off.
"""

import click
import sqlalchemy as sa
from alembic import context, op

from filewallball.database.columns import code_type

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_INDEX = "ix_audit_log_trace"
_REFUSED = (
    "The audit log holds rows that an earlier release cannot verify, written since `filewallball upgrade finish`: "
    "stay with this schema, or restore a backup from before."
)


def upgrade() -> None:
    here = sa.inspect(op.get_bind())
    if "trace_id" not in _columns():
        (_add_on_sqlite if op.get_bind().dialect.name == "sqlite" else _add_on_mariadb)()
    if _INDEX not in [index["name"] for index in here.get_indexes("audit_log")]:
        _create_index()
    if not here.has_table("audit_formats"):
        op.create_table(
            "audit_formats",
            sa.Column("mac", code_type(64), nullable=False),
            sa.Column("format", sa.Integer(), nullable=False),
            sa.Column("finished_us", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("mac", name="pk_audit_formats"),
        )


def downgrade() -> None:
    """Refuses where rows of another format than the first are on record, unless all tables go."""
    if context.get_revision_argument() is not None and "format" in _columns():
        newer = sa.text("SELECT id FROM audit_log WHERE format <> 1 LIMIT 1")
        if op.get_bind().execute(newer).first() is not None:
            raise click.ClickException(_REFUSED)
    here = sa.inspect(op.get_bind())
    if here.has_table("audit_formats"):
        op.drop_table("audit_formats")
    if _INDEX in [index["name"] for index in here.get_indexes("audit_log")]:
        op.drop_index(_INDEX, "audit_log")
    for name in ("trace_id", "link_id", "format"):
        if name in _columns():
            op.drop_column("audit_log", name)


def _add_on_sqlite() -> None:
    known = _columns()
    for column in _new_columns():
        if column.name not in known:
            op.add_column("audit_log", column)


def _add_on_mariadb() -> None:
    dialect = op.get_bind().dialect
    number, *texts = _new_columns()
    added = [f"ADD COLUMN {number.name} {number.type.compile(dialect)} NOT NULL DEFAULT 1"]
    added += [f"ADD COLUMN {column.name} {column.type.compile(dialect)} NULL" for column in texts]
    op.execute(f"ALTER TABLE audit_log {', '.join(added)}, ALGORITHM=INSTANT")


def _new_columns() -> list[sa.Column]:
    return [
        sa.Column("format", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("link_id", code_type(32), nullable=True),
        sa.Column("trace_id", code_type(32), nullable=True),
    ]


def _create_index() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(_INDEX, "audit_log", ["trace_id"], sqlite_where=sa.text("trace_id IS NOT NULL"))
    else:
        op.execute(f"ALTER TABLE audit_log ADD INDEX {_INDEX} (trace_id), ALGORITHM=INPLACE, LOCK=NONE")


def _columns() -> list[str]:
    return [column["name"] for column in sa.inspect(op.get_bind()).get_columns("audit_log")]
