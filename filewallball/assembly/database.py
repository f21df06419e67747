"""The database."""

from filewallball.database.connections import Database
from filewallball.database.engines import open_engines
from filewallball.registry import Registry
from filewallball.settings.service import Settings


def provide(registry: Registry) -> None:
    """Two engines, and what works on them."""
    engines = open_engines(registry.find(Settings))
    database = Database(engines.writer, engines.reader)
    registry.provide(engines, database)
    registry.at_end(database.close)  # SQLite leaves no write-ahead log behind
