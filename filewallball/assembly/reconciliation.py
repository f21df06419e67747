"""The comparison of all records."""

from filewallball.database.connections import Database
from filewallball.reconcile.reconciliation import Reconciliation
from filewallball.recording.shipper import Shipper
from filewallball.registry import Registry
from filewallball.settings.service import Settings
from filewallball.stats.snapshot import Statistics
from filewallball.storage.local import LocalStore


def provide(registry: Registry) -> None:
    """The reconciliation."""
    reconciliation = Reconciliation(
        registry.find(Settings),
        registry.find(Database),
        registry.find(LocalStore),
        registry.find(Statistics),
        registry.find(Shipper),
    )
    registry.provide(reconciliation)
