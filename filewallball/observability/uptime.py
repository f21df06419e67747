"""The start time of the service: noted once by the gunicorn master and inherited by every worker it ever forks."""

import time

from filewallball.clock import steady_seconds

_started_at: float | None = None
_started = 0.0


def note_start() -> None:
    """Called first thing by whoever starts the service; later calls change nothing."""
    global _started_at, _started
    if _started_at is None:
        _started_at, _started = time.time(), steady_seconds()


def started_at() -> float:
    """Unix time of the start."""
    note_start()
    assert _started_at is not None  # noqa: S101 - just noted
    return _started_at


def uptime_seconds() -> float:
    """Seconds since the start, whatever was done to the clock meanwhile."""
    note_start()
    return steady_seconds() - _started
