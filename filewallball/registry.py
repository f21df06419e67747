"""What one process of the service holds: the parts that `create_app` builds and every room reaches by name."""

from dataclasses import dataclass

from flask import Flask, current_app

from filewallball.access.gate import Gate
from filewallball.audit.sealer import Digest
from filewallball.audit.seals import Seals
from filewallball.database.connections import Database
from filewallball.files.cache import MetadataCache
from filewallball.files.scanning import Scanner
from filewallball.files.thumbnails import Thumbnails
from filewallball.health.checks import Board
from filewallball.observability.metric_store.slots import Slots
from filewallball.recording.journal import Journal
from filewallball.recording.operations import Ledger
from filewallball.recording.shipper import Shipper
from filewallball.settings.service import Settings
from filewallball.stats.expected import ExpectedClients
from filewallball.stats.snapshot import Statistics
from filewallball.storage.local import LocalStore
from filewallball.web.origin import Proxies

_KEY = "filewallball"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The parts, each built once."""

    settings: Settings
    database: Database
    store: LocalStore
    slots: Slots
    journal: Journal
    shipper: Shipper
    digest: Digest
    seals: Seals
    ledger: Ledger
    proxies: Proxies
    health: Board
    gate: Gate
    scanner: Scanner
    thumbnails: Thumbnails
    cache: MetadataCache
    statistics: Statistics
    expected: ExpectedClients


def install(app: Flask, runtime: Runtime) -> None:
    """Make the runtime reachable from the app's context."""
    app.extensions[_KEY] = runtime


def runtime(app: Flask | None = None) -> Runtime:
    """The runtime of `app`, or of the current one."""
    parts: Runtime = (app or current_app).extensions[_KEY]
    return parts
