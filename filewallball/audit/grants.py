"""The rights of the service's own MariaDB account: it may add to the audit log, and change or delete nothing in it."""

from filewallball.database.metadata import whole_metadata

_RIGHTS = {
    "audit_log": "SELECT, INSERT, UPDATE (block_id)",
    "audit_blocks": "SELECT, INSERT",
    "audit_chain": "SELECT, UPDATE (number, seal)",
    "audit_formats": "SELECT, INSERT",
    "audit_totals": "SELECT, INSERT, UPDATE",
    "alembic_version": "SELECT",
}
_ORDINARY = "SELECT, INSERT, UPDATE, DELETE"


def grants(database: str, account: str) -> list[str]:
    """The GRANT statements for an account such as `'filewallball'@'10.0.0.%'`, to be run by the owner of the schema."""
    tables = sorted({*whole_metadata().tables, *_RIGHTS})
    return [
        f"GRANT {_RIGHTS.get(table, _ORDINARY)} ON `{database}`.`{table}` TO {account};" for table in tables
    ]
