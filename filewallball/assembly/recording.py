"""The records of operations, and who is told of an event."""

from collections.abc import Callable
from functools import partial

from filewallball.access.offences import offence_of
from filewallball.audit.seals import Seals, seal_key
from filewallball.database.connections import Database
from filewallball.observability.counters import EPOCH
from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metrics import Metrics
from filewallball.recording.adoption import Adoption
from filewallball.recording.audit_rows import AuditWriter
from filewallball.recording.coalescing import Coalescer
from filewallball.recording.event import Event
from filewallball.recording.event_ids import EventIds
from filewallball.recording.journal import Journal
from filewallball.recording.line_macs import LineMacs
from filewallball.recording.operations import Ledger
from filewallball.redaction import Redactor
from filewallball.registry import Registry
from filewallball.settings.service import Settings


def listeners(registry: Registry) -> tuple[Callable[[Event], None], ...]:
    """The functions that are told of each operation that has ended, in this order."""
    exports = registry.find(Settings).exports_spans
    return (
        registry.find(Metrics).record,  # counts it
        partial(_watch, registry),  # notices who offends too often
        *((partial(_export, registry),) if exports else ()),  # exports what no request asked for
    )


def provide(registry: Registry) -> None:
    """The journal, the ledger, and what both are made of."""
    settings, slots, metrics = registry.find(Settings), registry.find(Slots), registry.find(Metrics)
    key, database = seal_key(settings), registry.find(Database)
    macs = LineMacs(key)
    journal = Journal(
        settings.journal_dir,
        slots.number,
        macs,
        sync_each=settings.audit_sync == "full",
        recovered=lambda count: metrics.increment("operations_recovered_total", amount=count),
    )
    adoption = Adoption(settings.data_dir / "journal-macs", settings.journal_dir, macs, slots.borrowed)
    ids = EventIds(settings.metrics_dir / EPOCH)
    ledger = Ledger(
        database,
        journal,
        AuditWriter(database, key),
        Coalescer(journal.opened, journal.coalesced, journal.closed, new_id=ids.new),
        listeners(registry),
        ids.new,
        Redactor(settings.secrets()),
    )
    registry.provide(macs, adoption, ids, journal, Seals(key), ledger)
    registry.at_end(journal.close)


def _watch(registry: Registry, event: Event) -> None:
    """Tell the gate. Most commands never have an event for it, and do without."""
    if offence_of(event) is not None:
        from filewallball.access.gate import Gate

        registry.find(Gate).watch(event)


def _export(registry: Registry, event: Event) -> None:
    """Have an event exported that no request asked for. Without a collector nothing here is imported."""
    from filewallball.observability.tracing.tracing import Tracing

    registry.find(Tracing).record(event)
