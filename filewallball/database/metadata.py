"""The metadata that every table of the service belongs to."""

from importlib import import_module

from sqlalchemy import MetaData

_PLACES = (
    *("access.tables", "alerts.tables", "audit.tables", "files.resumable.tables", "files.tables"),
    *("health.tables", "idempotency.tables", "links.tables", "recording.tables", "stats.tables"),
    "storage.leases",
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def whole_metadata() -> MetaData:
    """The metadata with every table: a command has imported those that it uses, and no others."""
    for place in _PLACES:
        import_module(f"filewallball.{place}")
    return metadata
