"""The roles of the processes that gunicorn's master forks. Like `master` it imports no other module of the service.

`pool` has threads and serves whatever comes over TCP. `sync` answers one request at a time, over the Unix socket that
nginx sends to what ends within seconds. `jobs` serves nobody and does the host's periodic work.
"""

import socket
from collections import Counter
from collections.abc import Mapping
from typing import Any

POOL, SYNC, JOBS = "pool", "sync", "jobs"

_wanted: Counter[str] = Counter()
_master: list[Any] = []


def want(counts: Mapping[str, int]) -> int:
    """Set how many processes of each role there are to be; returns how many that are in all."""
    _wanted.clear()
    _wanted.update(counts)
    return _wanted.total()


def serve_under(arbiter: Any) -> None:
    """In the master, once: whose workers are counted."""
    _master[:] = [arbiter]


def missing(cfg: object) -> str:
    """The role of the next worker: the first that is short, among the workers that run under this configuration.

    After a reload those of the old configuration still serve, and count no longer.
    """
    living = Counter(worker.role for worker in _master[0].WORKERS.values() if worker.cfg is cfg)
    return next((role for role, count in _wanted.items() if living[role] < count), POOL)


def listeners(role: str, sockets: list[Any]) -> list[Any]:
    """The sockets that a role accepts connections from. Without sync workers the pool takes all."""
    if role == JOBS:
        return []
    if not _wanted[SYNC]:
        return sockets
    return [each for each in sockets if (each.sock.family == socket.AF_UNIX) == (role == SYNC)]
