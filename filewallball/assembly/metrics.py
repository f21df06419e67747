"""The metrics, and the slot of this process in their files."""

from collections.abc import Callable
from functools import partial
from weakref import ref

from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metrics import Metrics
from filewallball.registry import Registry
from filewallball.settings.service import Settings


def provide(registry: Registry) -> None:
    """Metrics, which count nothing where PROMETHEUS_ENABLED is off."""
    settings = registry.find(Settings)
    slots = Slots(settings.slots_dir)
    # Weakly: log sinks, which live as long as the process, reach the metrics, and must not keep a whole app alive.
    rules = partial(_rules, ref(registry))
    metrics = Metrics(settings.metrics_dir, slots, rules, is_enabled=settings.prometheus_enabled)
    registry.provide(slots, metrics)
    registry.at_end(slots.release)


def _rules(registry: Callable[[], Registry | None]) -> set[str]:
    """The routes of the application, which a command makes for this only where it counts a client's request."""
    from filewallball.web.app import Application

    alive = registry()
    return {rule.rule for rule in alive.find(Application).url_map.iter_rules()} if alive else set()
