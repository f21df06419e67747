"""A library that is installed for one purpose, and that other libraries would load for theirs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_TELEMETRY = "opentelemetry"


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
