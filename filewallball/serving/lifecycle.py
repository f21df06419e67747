"""Starting and ending of the service and its workers, as far as it concerns metrics and slots."""

import gc
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from filewallball.observability.counters import note_epoch
from filewallball.observability.metric_store import service_lock
from filewallball.observability.metric_store.collector import exemplar_files
from filewallball.observability.metric_store.metric_file import slot_of
from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metric_store.values import remove_live_gauges, set_aside
from filewallball.observability.uptime import note_start
from filewallball.serving import roles
from filewallball.settings.service import Settings

__all__ = ["begin", "greet", "note_start", "worker_ends", "worker_gone", "worker_ready"]

_ends: list[Callable[[], None]] = []
"""Called when the worker ends."""


def begin(settings: Settings) -> None:
    """In the master, before it forks. Raises OSError where a folder cannot be used.

    A new service resets the metric files; a reload or upgrade does not, and counts on.
    """
    settings.slots_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
    settings.metrics_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
    service_lock.hold(settings.slots_dir, lambda: _reset(settings.metrics_dir, Slots(settings.slots_dir)))


def greet(settings: Settings) -> None:
    """Tell whoever started the service on a terminal where it is."""
    if sys.stdout.isatty():
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.bind, settings.bind)  # noqa: S104 - compared
        address = f"[{host}]" if ":" in host else host
        print(f"Open http://{address}:{settings.port}/ in a browser. Ctrl-C ends the service.", flush=True)  # noqa: T201


def worker_ready(app: Flask, role: str) -> None:
    """Prepare a worker whose application is built: its series exist before a request, the jobs begin."""
    # Not before: the master must not import what a reload is to renew.
    from filewallball.observability.metrics import Metrics
    from filewallball.observability.tracing.tracing import Tracing
    from filewallball.registry import part
    from filewallball.serving import maintenance

    logging.captureWarnings(True)
    part(Metrics, app).prepare()
    part(Tracing, app).start()
    _ends.append(part(Tracing, app).stop)  # after the jobs, whose operations have spans too
    gc.freeze()  # what stands now stands for good: without this a full collection stops the worker for 54 ms
    _ends.append(maintenance.start(app, does_host_jobs=role == roles.JOBS, serves=role != roles.JOBS))


def worker_ends() -> None:
    """In a worker, while it can still start threads: the jobs end."""
    while _ends:
        _ends.pop()()


def worker_gone(settings: Settings) -> None:
    """In the master: requests of dead workers are no longer in progress."""
    for number in Slots(settings.slots_dir).unlocked():
        remove_live_gauges(settings.metrics_dir, number)


def _reset(directory: Path, slots: Slots) -> None:
    """Remove the files of slots that nobody holds, each under its lock; put foreign files aside."""
    by_slot: dict[int, list[Path]] = {}
    for path in [*directory.glob("*.db"), *exemplar_files(directory)]:
        number = slot_of(path)
        if number is None:
            set_aside(path)
        else:
            by_slot.setdefault(number, []).append(path)
    for number in slots.unlocked(by_slot):
        for path in by_slot.get(number, []):
            path.unlink(missing_ok=True)
        slots.forgive(number)
    note_epoch(directory)
