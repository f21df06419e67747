"""The turns of SQLite's writers: one at a time in each process, and among the processes of the host by a file lock.

SQLite, too, lets only one write, but whoever finds it busy sleeps for longer each time, though it may long be free.
Looking twice in a millisecond makes a fifth more uploads where three processes take them, and p99 is half as long
(`python -m benchmarks.peers`). To be rid of it, have the dialect return a `threading.Lock`.
"""

import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from filewallball.filesystem import lock_now, open_lock_file

_LOOK_SECONDS = 0.0005
_PATIENCE_SECONDS = 1.0
SUFFIX = ".turns"
"""Of the lock file, behind the name of the database."""
logger = logging.getLogger("filewallball.database")


class Turns:
    """A lock for the writers of one database. A context manager; entering it never fails.

    Whoever has waited for a second, or cannot open the file, goes on without: a process that was stopped may hold the
    lock, and SQLite decides in the end. That the file cannot be opened is logged once.
    """

    def __init__(self, path: Path, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._path = path
        self._is_told = False
        self._shared_inode = 0
        self._patience = patience_seconds
        self._lock = threading.Lock()
        self._fd = -1

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            self._fd = open_lock_file(self._path)
            self._share(self._fd)
            self._wait(self._fd)
        except OSError as error:
            self._tell(error)
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

    def _share(self, fd: int) -> None:
        """Where root made the file, give it to the owner of the database, as SQLite does with its own files."""
        if os.geteuid() == 0:
            with suppress(OSError):
                found = os.fstat(fd)
                if found.st_ino == self._shared_inode:
                    return
                owner = self._path.with_name(self._path.name.removesuffix(SUFFIX)).stat()
                if found.st_uid != owner.st_uid:
                    os.fchown(fd, owner.st_uid, owner.st_gid)
                self._shared_inode = found.st_ino

    def _tell(self, error: OSError) -> None:
        if not self._is_told:
            self._is_told = True
            logger.warning(
                "Writers of the database do not take turns: their lock file cannot be used",
                extra={"path": str(self._path), "error_message": error.strerror},
            )

    def _wait(self, fd: int) -> None:
        deadline = time.monotonic() + self._patience
        while not lock_now(fd) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
