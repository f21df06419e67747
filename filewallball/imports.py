"""Importing modules at the start: what would make that slower, or import more than anybody uses, is kept away."""

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_TELEMETRY = "opentelemetry"
_is_kept = False


def keep_what_is_loaded() -> None:
    """Have the collector pass over all that this process loads, and over everything when it ends: that would take a
    fifth of a command's time. For processes that run one command, for nothing of it is ever freed."""
    global _is_kept
    _is_kept = True
    gc.freeze()
    atexit.register(gc.freeze)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Leave the collector out while modules load: all they make stays, and looking through it again and again would
    take a fifth of the time. A process that keeps what it has loaded keeps this too."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if _is_kept:
            gc.freeze()
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
