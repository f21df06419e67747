"""One builder at a time for each thumbnail, among the threads and workers of a host."""

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filewallball.errors import StorageFailed
from filewallball.storage.folders import FOLDER_MODE
from filewallball.storage.stage import FILE_MODE

_PAUSE_SECONDS = 0.01
_OFFSET_DIGITS = 15  # of a digest in hexadecimal: an offset in a file has 63 bits


@contextmanager
def lock_build(path: Path, digest: str, deadline: float) -> Iterator[bool]:
    """Hold the lock of what is built from `digest`; False if somebody else holds it up to `deadline`.

    All locks lie in one file that stays empty: each is a lock on one byte, belongs to an open file, and ends with it
    or with the process. Raises StorageFailed.
    """
    try:
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise StorageFailed("The folder of the thumbnails cannot be written.") from error
    try:
        yield _lock_until(fd, int(digest[:_OFFSET_DIGITS], 16), deadline)
    finally:
        os.close(fd)


def _lock_until(fd: int, offset: int, deadline: float) -> bool:
    while not _lock_now(fd, offset):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _lock_now(fd: int, offset: int) -> bool:
    one_byte = struct.pack("hhlli0l", fcntl.F_WRLCK, os.SEEK_SET, offset, 1, 0)  # struct flock
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, one_byte)
    except (BlockingIOError, PermissionError):
        return False
    return True
