"""Importing modules at the start: what would make that slower, or import more than anybody uses, is kept away."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_TELEMETRY = "opentelemetry"


@contextmanager
def collector_paused() -> Iterator[None]:
    """Leave the collector out while modules load: all they make stays, and looking through it again and again would
    take a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def telemetry_hidden() -> Iterator[None]:
    """Load modules as if OpenTelemetry were not installed, unless it is loaded already.

    Where it is, the library `redis` loads it for metrics of its own, which nobody reads, into every process.
    """
    if _TELEMETRY in sys.modules:
        yield
        return
    modules: dict[str, Any] = sys.modules
    modules[_TELEMETRY] = None
    try:
        yield
    finally:
        del modules[_TELEMETRY]
