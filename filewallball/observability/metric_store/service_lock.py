"""The lock that all processes of one service share, which tells whether a service runs and whether it is a new one."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from filewallball.filesystem import lock_now, locked, open_lock_file

_NAME = "service.lock"
_held: int | None = None


def hold(folder: Path, begin_anew: Callable[[], None]) -> None:
    """Hold the lock from here on, until the process and all that it forks have ended. Raises OSError.

    It is inherited over fork and taken anew over exec. If nobody else holds it, this is a new service and not a
    reload or an upgrade: `begin_anew` is called before others can have the lock.
    """
    global _held
    lock = open_lock_file(folder / _NAME)
    if lock_now(lock):
        begin_anew()
    fcntl.flock(lock, fcntl.LOCK_SH)  # from here on shared, until the process ends: nobody else's lock is so
    _held = lock


def is_running(folder: Path) -> bool:
    """True if a service holds the lock."""
    try:
        lock = os.open(folder / _NAME, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    with locked(lock) as is_alone:
        return not is_alone
