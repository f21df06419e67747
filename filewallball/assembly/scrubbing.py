"""The scrub of stored bytes."""

from filewallball.database.connections import Database
from filewallball.files.scrub import Scrub
from filewallball.recording.system import system_operations
from filewallball.registry import Registry
from filewallball.storage.local import LocalStore


def provide(registry: Registry) -> None:
    """The scrub."""
    registry.provide(Scrub(registry.find(Database), registry.find(LocalStore), system_operations(registry)))
