"""The export of traces."""

from filewallball.observability.metrics import Metrics
from filewallball.observability.tracing.tracing import Tracing
from filewallball.registry import Registry
from filewallball.settings.service import Settings


def provide(registry: Registry) -> None:
    """Tracing, which exports nothing unless the settings name a collector and the process starts it."""
    registry.provide(Tracing(registry.find(Settings), registry.find(Metrics)))
