"""Which part of the service is made where: a command makes and imports those that it uses, the application all."""

from importlib import import_module

from filewallball.filesystem import make_durable_folder
from filewallball.imports import collector_paused
from filewallball.observability.logs import Logs
from filewallball.registry import Registry
from filewallball.settings.service import Settings

GROUPS = {
    "logs": ("observability.logs.Logs",),
    "application": ("web.app.Application",),
    "database": ("database.engines.Engines", "database.connections.Database"),
    "metrics": ("observability.metric_store.slots.Slots", "observability.metrics.Metrics"),
    "tracing": ("observability.tracing.tracing.Tracing",),
    "gate": ("web.origin.Proxies", "web.hosts.Hosts", "web.pages.Pages", "access.gate.Gate"),
    "recording": (
        "recording.line_macs.LineMacs",
        "recording.adoption.Adoption",
        "recording.event_ids.EventIds",
        "recording.journal.Journal",
        "audit.seals.Seals",
        "recording.operations.Ledger",
    ),
    "shipping": ("recording.shipper.Shipper",),
    "storage": ("storage.local.LocalStore",),
    "cache": ("files.cache.MetadataCache",),
    "files": (
        "files.scanning.Scanner",
        "files.thumbnails.Thumbnails",
        "files.fetch.Downloads",
        "files.removal.Removals",
        "files.changes.Changes",
        "files.history.Histories",
        "files.upload.Uploads",
        "idempotency.reservations.Reservations",
        "idempotency.in_use.KeysInUse",
        "files.keyed_upload.KeyedUploads",
    ),
    "resumable": (
        "files.resumable.service.ResumableUploads",
        "files.resumable.keyed_creation.KeyedCreation",
        "files.resumable.sweep.UploadSweep",
        "files.resumable.sweep.UploadGauges",
    ),
    "links": ("links.service.Links", "links.shared.SharedFiles"),
    "statistics": (
        "stats.snapshot.Statistics",
        "stats.expected.ExpectedClients",
        "stats.users.TopUsers",
        "stats.rebuild.Rebuild",
    ),
    "audit": ("audit.sealer.Sealer", "audit.verify_job.Verification", "audit.retention.Retention"),
    "scrubbing": ("files.scrub.Scrub",),
    "reconciliation": ("reconcile.reconciliation.Reconciliation",),
}
"""The parts that each module of this folder provides, below `filewallball.`, all of them at once."""
_GROUP_OF = {f"filewallball.{name}": group for group, names in GROUPS.items() for name in names}


def open_service(settings: Settings) -> Registry:
    """The service with its log, and nothing else made yet. Touches the disk, never the database."""
    make_durable_folder(settings.data_dir, 0o750)
    registry = Registry(_make)
    registry.provide(settings)
    registry.find(Logs)
    return registry


def make_all(registry: Registry) -> None:
    """Make every part, as a process does that answers requests."""
    for name in _GROUP_OF:
        module, _, kind = name.rpartition(".")
        registry.find(getattr(import_module(module), kind))


def _make(registry: Registry, kind: type) -> None:
    group = _GROUP_OF.get(f"{kind.__module__}.{kind.__qualname__}")
    if group is not None:
        with collector_paused():
            import_module(f"filewallball.assembly.{group}").provide(registry)
