"""The bytes of files."""

from filewallball.registry import Registry
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore


def provide(registry: Registry) -> None:
    """The store."""
    settings = registry.find(Settings)
    space = None if settings.min_free_space < 0 else settings.min_free_space
    registry.provide(LocalStore(settings.storage_dir, min_free_bytes=space))
