"""The log of this process."""

from weakref import ref

from filewallball.observability.logs import configure_logging
from filewallball.registry import Registry
from filewallball.settings.service import Settings


def provide(registry: Registry) -> None:
    """The log, whose lost lines are counted. It lives as long as the process, and must not keep a whole app alive."""
    logs = configure_logging(registry.find(Settings))
    alive = ref(registry)
    logs.count_drops(lambda sink: _count_drop(alive(), sink))
    registry.provide(logs)


def _count_drop(registry: Registry | None, sink: str) -> None:
    from filewallball.observability.metrics import Metrics

    if registry is not None:
        registry.find(Metrics).increment("log_records_dropped_total", sink)
