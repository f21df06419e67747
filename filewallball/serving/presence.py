"""Shows the other processes of the host that one does the periodic jobs, by a lock that dies with it."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from filewallball.filesystem import lock_now, open_lock_file, try_lock

_LONGEST_ABSENCE_SECONDS = 30.0


class Presence:
    """The lock of a host's jobs process. During a reload the one that ends holds it, then the one that began."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "jobs.lock"
        self._fd = -1
        self._absent_since: float | None = None
        self._looking = Lock()

    def show(self) -> None:
        """Take the lock, or leave it to the process that has it. Raises OSError."""
        if self._fd >= 0:
            return
        fd = open_lock_file(self._path)
        if lock_now(fd):
            self._fd = fd
        else:
            os.close(fd)

    def leave(self) -> None:
        """Give the lock back, as the end of the process does."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def is_seen(self) -> bool:
        """True if a process of this host does the jobs."""
        with try_lock(self._path) as is_free:
            return not is_free

    def probe(self) -> Mapping[str, Any]:
        """Health of the jobs: a problem once nobody has done them for 30 seconds."""
        with self._looking:
            if self.is_seen():
                self._absent_since = None
                return {}
            now = time.monotonic()
            self._absent_since = now if self._absent_since is None else self._absent_since
            seconds = now - self._absent_since
        if seconds < _LONGEST_ABSENCE_SECONDS:
            return {}
        return {"problem": f"no process has done the periodic jobs for {seconds:.0f} s"}
