"""The turns of SQLite's writers: one at a time in each process, and among the processes of the host by a file lock.

SQLite lets only one write, too, but who finds it busy sleeps for longer each time, while it is long free again. Looking
twice in a millisecond makes a fifth more uploads where three processes take them, and p99 is half as long (`python -m
benchmarks.peers`). To be rid of it, have the dialect return a `threading.Lock`.
"""

import os
import threading
import time
from pathlib import Path
from types import TracebackType

from filewallball.filesystem import lock_now, open_lock_file

_LOOK_SECONDS = 0.0005
_PATIENCE_SECONDS = 1.0


class Turns:
    """A lock for the writers of one database. A context manager; entering it never fails.

    Who has waited for a second, or cannot open the file, goes on without: a process that was stopped may hold the lock,
    and SQLite decides in the end.
    """

    def __init__(self, path: Path, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._path = path
        self._patience = patience_seconds
        self._lock = threading.Lock()
        self._fd = -1

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            self._fd = open_lock_file(self._path)
            self._wait(self._fd)
        except OSError:
            return
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fd, self._fd = self._fd, -1
        try:
            if fd >= 0:
                os.close(fd)
        finally:
            self._lock.release()

    def _wait(self, fd: int) -> None:
        deadline = time.monotonic() + self._patience
        while not lock_now(fd) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
