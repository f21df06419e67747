"""The database connections that this worker keeps and uses, as the pool itself counts them."""

from threading import Lock
from typing import Any

from sqlalchemy import Engine, event

from filewallball.observability.metrics import Metrics

_EFFECTS = {
    "connect": ("database_connections_open", 1),
    "close": ("database_connections_open", -1),
    "close_detached": ("database_connections_open", -1),
    "checkout": ("database_connections_in_use", 1),
    "checkin": ("database_connections_in_use", -1),
}


def watch_pools(metrics: Metrics, *engines: Engine) -> None:
    """Keep the two gauges right for these engines, as long as they live."""
    counts = {name: 0 for name, _ in _EFFECTS.values()}
    lock = Lock()
    for engine in engines:
        for happening, (name, by) in _EFFECTS.items():
            event.listen(engine, happening, _counting(metrics, counts, lock, name, by))


def _counting(metrics: Metrics, counts: dict[str, int], lock: Lock, name: str, by: int) -> Any:
    def change(*_: Any) -> None:
        with lock:
            counts[name] += by
            metrics.set(name, counts[name])

    return change
