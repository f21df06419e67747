"""What Redis keeps of files."""

from filewallball.files.cache import MetadataCache
from filewallball.registry import Registry
from filewallball.settings.service import Settings


def provide(registry: Registry) -> None:
    """The cache, which is told of Redis what the gate knows."""
    registry.provide(MetadataCache(registry.find(Settings).redis_url, lambda: _is_away(registry)))


def _is_away(registry: Registry) -> bool:
    from filewallball.access.gate import Gate

    return registry.find(Gate).limits.are_degraded
