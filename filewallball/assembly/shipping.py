"""What brings ended operations from the journals to the audit log."""

from filewallball.database.connections import Database
from filewallball.observability.metrics import Metrics
from filewallball.recording.adoption import Adoption
from filewallball.recording.event_ids import EventIds
from filewallball.recording.line_macs import LineMacs
from filewallball.recording.operations import Ledger
from filewallball.recording.rejects import Rejects
from filewallball.recording.shipper import Shipper
from filewallball.registry import Registry
from filewallball.settings.service import Settings


def provide(registry: Registry) -> None:
    """The shipper."""
    settings, ledger, metrics = registry.find(Settings), registry.find(Ledger), registry.find(Metrics)
    rejects = Rejects(
        settings.journal_dir,
        lambda reason, amount: metrics.increment("audit_journal_rejected_total", reason, amount=amount),
    )
    shipper = Shipper(
        settings.journal_dir,
        registry.find(Database),
        ledger.writer,
        registry.find(LineMacs),
        registry.find(Adoption),
        rejects,
        registry.find(EventIds),
        tell=ledger.tell,
    )
    registry.provide(shipper)
