"""Destinations of log lines: one that is full, gone or blocked loses lines, and never takes a request's time."""

import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from time import monotonic

from filewallball.filesystem import try_lock

Dropped = Callable[[], None]
_STDERR = 2
_LOOK_SECONDS = 0.1
_LOOK_SHARE = 64
# So many bytes are not written and rotated away within the time between two looks.
_UNHURRIED_BYTES = 16 * 1024 * 1024


class FileSink:
    """One file that several processes append to and rotate together; each line is one write.

    Every writer notices by its inode that the file was renamed, by us or by logrotate, and opens the new one.
    Whoever finds it too large and gets the side file's lock renames; the others write on meanwhile.

    Writers look before every line where few bytes are kept. Where many are, a line that ends in a file renamed a
    moment ago is still kept with it, so a tenth of a second may pass between two looks, or a small share of the space
    left: with as many writers the file does not outgrow its size.
    """

    def __init__(self, path: Path, max_bytes: int, backup_count: int) -> None:
        self.dropped: Dropped = _nobody_counts
        self._path = path
        self._max_bytes = max_bytes
        self._backup_count = backup_count
        self._lock = Lock()
        self._fd = -1
        self._identity: tuple[int, int] | None = None
        self._torn = False
        self._is_unhurried = max_bytes * backup_count >= _UNHURRIED_BYTES
        self._look_at = 0.0
        self._look_after = 0  # bytes that may still be written before

    def write(self, line: bytes) -> None:
        with self._lock:
            try:
                self._look_after -= len(line)
                if self._look_after < 0 or monotonic() >= self._look_at:
                    self._ready(len(line))
                data = b"\n" + line if self._torn else line
                self._torn = os.write(self._fd, data) < len(data)
                lost = self._torn
            except OSError:
                lost = True
        if lost:
            self.dropped()

    def close(self) -> None:
        with self._lock:
            self._release()

    def _ready(self, length: int) -> None:
        """Make the descriptor that of the present file, with space for one more line."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._open()
            return
        if (found.st_dev, found.st_ino) != self._identity:
            self._open()
        if self._is_full(found, length):
            with suppress(OSError):  # a file that cannot be rotated is still written to
                self._rotate(length)
        elif self._is_unhurried:
            self._look_after = (self._max_bytes - found.st_size) // _LOOK_SHARE
            self._look_at = monotonic() + _LOOK_SECONDS

    def _is_full(self, found: os.stat_result, length: int) -> bool:
        return (
            self._max_bytes > 0
            and self._backup_count > 0
            and stat.S_ISREG(found.st_mode)
            and 0 < found.st_size > self._max_bytes - length
        )

    def _rotate(self, length: int) -> None:
        with try_lock(self._path.with_name(f"{self._path.name}.lock")) as held:
            if not held:
                return
            if self._is_full(self._path.stat(), length):  # not rotated by another process just now
                for number in range(self._backup_count - 1, 0, -1):
                    with suppress(FileNotFoundError):
                        self._numbered(number).replace(self._numbered(number + 1))
                self._path.replace(self._numbered(1))
        self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _open(self) -> None:
        self._release()
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO must not block
        self._fd = os.open(self._path, flags, 0o640)
        found = os.fstat(self._fd)
        self._identity = found.st_dev, found.st_ino

    def _release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._identity, self._torn, self._look_after = -1, None, False, 0


class ConsoleSink:
    """Standard error, without ever waiting for whoever reads it."""

    def __init__(self, descriptor: int = _STDERR) -> None:
        self.dropped: Dropped = _nobody_counts
        self._descriptor = descriptor
        self._lock = Lock()
        self._write: Callable[[bytes], int] | None = None
        self._own: int | socket.socket | None = None
        self._torn = False

    def write(self, line: bytes) -> None:
        with self._lock:
            try:
                write = self._write or self._open()
                data = b"\n" + line if self._torn else line
                self._torn = write(data) < len(data)
                lost = self._torn
            except OSError:
                lost = True
        if lost:
            self.dropped()

    def close(self) -> None:
        with self._lock:
            if isinstance(self._own, socket.socket):
                self._own.close()
            elif self._own is not None:
                os.close(self._own)
            self._own = self._write = None

    def _open(self) -> Callable[[bytes], int]:
        """A way to write that returns at once. Pipes and terminals get a description of our own for that, because
        O_NONBLOCK on the one we inherited would change it for every process that shares it."""
        mode = os.fstat(self._descriptor).st_mode
        if stat.S_ISSOCK(mode):
            channel = socket.socket(fileno=os.dup(self._descriptor))
            self._own = channel
            self._write = lambda data: channel.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        else:
            target = self._descriptor
            if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
                with suppress(OSError):
                    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
                    target = self._own = os.open(f"/proc/self/fd/{self._descriptor}", flags)
            self._write = partial(os.write, target)
        return self._write


def _nobody_counts() -> None:
    """Count nothing, as long as there are no metrics."""
