"""The start time of the service: noted once by the gunicorn master and inherited by every worker it ever forks."""

import time

_started_at: float | None = None


def note_start() -> None:
    """Called first thing by whoever starts the service; later calls change nothing."""
    global _started_at
    if _started_at is None:
        _started_at = time.time()


def started_at() -> float:
    """Unix time of the start."""
    note_start()
    assert _started_at is not None  # noqa: S101 - just noted
    return _started_at
