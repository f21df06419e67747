"""Puts an application under observation: metrics fed by every event and exchange, `/metrics`, the middleware."""

import platform
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import prometheus_flask_exporter
from flask import Flask

from filewallball.installation import __version__
from filewallball.observability.counters import began_at
from filewallball.observability.exporter import Exporter
from filewallball.observability.exposition import Exposition, Value
from filewallball.observability.http import HttpObserver
from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metrics import Metrics
from filewallball.observability.tracing.tracing import Tracing
from filewallball.observability.uptime import started_at
from filewallball.registry import part
from filewallball.settings.loading import announce_metrics_dir
from filewallball.settings.service import Settings
from filewallball.web.exchange import ExchangeMiddleware, Observer
from filewallball.web.origin import Origin

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Readers = Mapping[str, Callable[[], Value]]


def serve_metrics(
    app: Flask, settings: Settings, metrics: Metrics, guard: Callable[[], None], readers: Readers
) -> None:
    """The route of the metrics; `guard` raises where the caller may not read them.

    `readers` are the gauges of the contract whose values other parts know, read at each scrape.
    """
    if not settings.prometheus_enabled:
        return
    settings.metrics_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
    announce_metrics_dir(settings.metrics_dir)
    unreadable = partial(_count_unreadable, metrics)
    exposition = Exposition(settings.metrics_dir, part(Slots, app), unreadable)
    for name, read in {**_own_readers(settings), **readers}.items():
        exposition.register(name, read)
    Exporter(exposition, guard).init_app(app)


def init_middleware(
    app: Flask,
    metrics: Metrics,
    origin: "Callable[[WSGIEnvironment], Origin]",
    observers: Iterable[Observer] = (),
    complete: Callable[[list[tuple[str, str]]], list[tuple[str, str]]] = list,
    tracing: Tracing | None = None,
) -> None:
    """Watch every request of the application from outside."""
    exported = [tracing] if tracing is not None and tracing.is_on else []
    app.wsgi_app = ExchangeMiddleware(  # type: ignore[method-assign]
        app.wsgi_app,
        origin=origin,
        observers=[HttpObserver(metrics), *observers, *exported],
        complete=complete,
        is_recorded=exported[0].is_recorded if exported else None,
    )


def _own_readers(settings: Settings) -> Readers:
    return {
        "process_start_time_seconds": started_at,
        "counters_start_time_seconds": partial(began_at, settings.metrics_dir),
        "filewallball_build_info": lambda: {(__version__, platform.python_version()): 1},
        "flask_exporter_info": lambda: {(prometheus_flask_exporter.__version__,): 1},
    }


def _count_unreadable(metrics: Metrics, count: int) -> None:
    metrics.increment("metric_files_unreadable_total", amount=count)
