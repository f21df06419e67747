"""What is done with files."""

from filewallball.database.connections import Database
from filewallball.files.cache import MetadataCache
from filewallball.files.changes import Changes
from filewallball.files.fetch import Downloads
from filewallball.files.history import Histories
from filewallball.files.keyed_upload import KeyedUploads
from filewallball.files.removal import Removals
from filewallball.files.scanning import Scanner
from filewallball.files.thumbnails import Thumbnails
from filewallball.files.upload import Uploads
from filewallball.idempotency.in_use import KeysInUse
from filewallball.idempotency.reservations import Reservations
from filewallball.registry import Registry
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore


def provide(registry: Registry) -> None:
    """Uploading, fetching, changing and removing files, and what these use."""
    settings, database = registry.find(Settings), registry.find(Database)
    store, cache = registry.find(LocalStore), registry.find(MetadataCache)
    scanner = Scanner(settings)
    registry.provide(scanner, Thumbnails(settings, database, store))
    registry.provide(Downloads(settings, database, store, scanner, cache), Removals(database, cache))
    registry.provide(Changes(settings, database, store, cache))
    registry.provide(Histories(database, settings.history_addresses))
    uploads, reservations = Uploads(settings, database, store, scanner), Reservations(database)
    registry.provide(uploads, reservations, KeysInUse(database), KeyedUploads(uploads, reservations))
