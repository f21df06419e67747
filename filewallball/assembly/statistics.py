"""Statistics."""

from filewallball.access.blocks import count_blocks
from filewallball.database.connections import Database
from filewallball.files.inventory import count_files
from filewallball.registry import Registry
from filewallball.settings.service import Settings
from filewallball.stats.expected import ExpectedClients
from filewallball.stats.rebuild import Rebuild
from filewallball.stats.snapshot import Statistics
from filewallball.stats.users import TopUsers


def provide(registry: Registry) -> None:
    """The statistics, and what makes them again from the audit log."""
    settings, database = registry.find(Settings), registry.find(Database)
    statistics = Statistics(database, lambda: count_blocks(database))
    registry.provide(statistics, ExpectedClients(database, statistics), TopUsers(settings, database))
    registry.provide(Rebuild(database, count_files))
