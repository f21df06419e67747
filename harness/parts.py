"""The parts of an application by short names, for tests and benchmarks that need many of them."""

from collections.abc import Iterable
from pathlib import Path

from flask import Flask

from filewallball.access.gate import Gate
from filewallball.audit.retention import Retention
from filewallball.audit.sealer import Sealer
from filewallball.audit.seals import Seals
from filewallball.audit.verify_job import Verification
from filewallball.database.connections import Database
from filewallball.files.cache import MetadataCache
from filewallball.files.scanning import Scanner
from filewallball.files.thumbnails import Thumbnails
from filewallball.health.checks import HealthChecks
from filewallball.observability.metric_store.slots import Slots
from filewallball.reconcile.reconciliation import Reconciliation
from filewallball.recording.adoption import Adoption
from filewallball.recording.event import Event
from filewallball.recording.journal import Journal
from filewallball.recording.line_macs import LineMacs
from filewallball.recording.operations import Ledger
from filewallball.recording.shipper import Shipper
from filewallball.registry import part
from filewallball.settings.service import Settings
from filewallball.stats.expected import ExpectedClients
from filewallball.stats.rebuild import Rebuild
from filewallball.stats.snapshot import Statistics
from filewallball.storage.local import LocalStore
from filewallball.web.origin import Proxies


class Parts:
    """The parts of one application, each as `part` finds it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.settings = part(Settings, app)
        self.database = part(Database, app)
        self.store = part(LocalStore, app)
        self.slots = part(Slots, app)
        self.journal = part(Journal, app)
        self.macs = part(LineMacs, app)
        self.adoption = part(Adoption, app)
        self.shipper = part(Shipper, app)
        self.sealer = part(Sealer, app)
        self.seals = part(Seals, app)
        self.ledger = part(Ledger, app)
        self.proxies = part(Proxies, app)
        self.health = part(HealthChecks, app)
        self.gate = part(Gate, app)
        self.scanner = part(Scanner, app)
        self.thumbnails = part(Thumbnails, app)
        self.cache = part(MetadataCache, app)
        self.statistics = part(Statistics, app)
        self.expected = part(ExpectedClients, app)
        self.verification = part(Verification, app)
        self.retention = part(Retention, app)
        self.rebuild = part(Rebuild, app)
        self.reconciliation = part(Reconciliation, app)


def put_on_record(parts: Parts, events: Iterable[Event]) -> None:
    """Insert events into the audit log as the shipper does, without the journal."""
    writer = parts.ledger.writer
    with parts.database.begin() as connection:
        writer.send(connection, writer.prepare(map(vars, events)))


def sealer_of_another_host(parts: Parts, folder: Path) -> Sealer:
    """A sealer as another host of the same service has it: its lock and its anchor lie in a folder of its own."""
    folder.mkdir()
    return Sealer(folder, parts.database, parts.seals, parts.sealer.rollups)
