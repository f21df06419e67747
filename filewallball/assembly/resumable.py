"""Resumable uploads."""

from filewallball.database.connections import Database
from filewallball.files.resumable.parts import make_parts
from filewallball.files.upload import Uploads
from filewallball.idempotency.reservations import Reservations
from filewallball.observability.metrics import Metrics
from filewallball.recording.operations import Ledger
from filewallball.registry import Registry
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore


def provide(registry: Registry) -> None:
    """The uploads, their sweep and their gauges."""
    parts = make_parts(
        registry.find(Settings),
        registry.find(Database),
        registry.find(LocalStore),
        registry.find(Uploads),
        registry.find(Reservations),
        registry.find(Ledger),
        registry.find(Metrics).add,
    )
    registry.provide(*parts)
