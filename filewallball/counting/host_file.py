"""A file of fixed size that all processes of one host read and change under one lock.

The kernel frees the lock when its holder dies, and a change is one write within one page: a process that is killed has
made it whole or not at all. Nothing here lets another thread take over while the lock is held, or all processes
would wait for it: hence the calls through `PyDLL`.
"""

import ctypes
import errno
import fcntl
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path

from filewallball.clock import steady_seconds
from filewallball.counting.header import BYTES as HEADER_BYTES
from filewallball.counting.header import Header, Unreadable, boot_id
from filewallball.filesystem import PRIVATE, lock_now, open_lock_file

_PATIENCE_SECONDS = 1.0
_PAUSE_SECONDS = 0.000_05
_libc = ctypes.PyDLL(None, use_errno=True)
_libc.flock.argtypes = [ctypes.c_int, ctypes.c_int]
_libc.pread.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64]
_libc.pread.restype = ctypes.c_ssize_t
_libc.pwrite.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int64]
_libc.pwrite.restype = ctypes.c_ssize_t


class Damaged(Exception):
    """The content cannot have been written by this program; or another process put a new file in its place."""


class HostFile:
    """Use it as a context manager, which holds the lock; threads may share it, and one may enter it again.

    Entering raises OSError where the file cannot be had. Whoever meets `Damaged` inside calls `replace` and asks again.
    """

    def __init__(
        self, path: Path, size: int, most_read: int, clock: Callable[[], float] = steady_seconds
    ) -> None:
        self._path = path
        self._size = HEADER_BYTES + size
        self._clock = clock
        self._buffer = ctypes.create_string_buffer(most_read)
        self._fd: int | None = None
        self._forget()
        self.header = Header(b"", b"", 0.0)
        self.holds = 0
        """The number of times that the lock was taken, or another file put in the place of this one."""
        self._gave_up = 0.0
        self.now = 0.0
        """The time of the present hold of the lock, on the steady clock."""
        _open_files.add(self)

    def __enter__(self) -> "HostFile":
        asked = time.monotonic()
        self._guard.acquire()
        try:
            if not self._depth:
                self._lock(asked)
                self.now = self._clock()
                self.holds += 1
        except BaseException:
            self._guard.release()
            raise
        self._depth += 1
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._depth -= 1
        if not self._depth and self._fd is not None:
            _libc.flock(self._fd, fcntl.LOCK_UN)
        self._guard.release()

    def read(self, offset: int, size: int) -> bytes:
        """These bytes behind the header. Raises Damaged where the file ends before."""
        got = _libc.pread(self._fd, self._buffer, size, HEADER_BYTES + offset)
        if got < 0:
            raise _last_error()
        if got < size:
            raise Damaged("the file is too short")
        return self._buffer.raw[:size] if size < len(self._buffer) else self._buffer.raw

    def write(self, offset: int, data: bytes) -> None:
        """Change bytes behind the header, none of them across the border of a page. Raises OSError."""
        if _libc.pwrite(self._fd, data, len(data), HEADER_BYTES + offset) != len(data):
            raise _last_error()

    def replace(self) -> None:
        """Put a new file in the place of a damaged one, unless another process did so; only with the lock held."""
        old = self._fd
        with self._alone():
            if old is not None and self._is_current(old):
                self._create(lost_at=self.now)
                os.ftruncate(old, 0)  # whoever still counts there finds it too short, and comes here
        self._close()
        self._lock()
        self.holds += 1

    def follow(self) -> None:
        """Go on in the file of this name, if it is another one by now; restore it if somebody deleted it."""
        with self._guard:  # another thread may put a new file in its place
            if self._fd is None or self._is_current(self._fd):
                return
        with self:
            old = self._fd
            with self._alone():
                if not self._path.exists() and os.fstat(old).st_size == self._size:
                    self._create(lost_at=self.header.lost_at, content=os.pread(old, self._size, 0))
                    os.ftruncate(old, 0)
            self._close()
            self._lock()

    def _lock(self, asked: float = inf) -> None:
        """Who asked before another thread gave up does not wait anew: threads would, one after the other."""
        patient_until = 0.0
        while True:
            if self._fd is None:
                self._open()
            if not _libc.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB):
                return
            if ctypes.get_errno() != errno.EWOULDBLOCK:
                raise _last_error()
            now = time.monotonic()
            patient_until = patient_until or now + _PATIENCE_SECONDS
            if now > patient_until or asked < self._gave_up:
                self._gave_up = now
                raise TimeoutError(f"{self._path} is locked by another process")
            time.sleep(_PAUSE_SECONDS)

    def _open(self) -> None:
        """Open the file; make it where there is none, or none that counts. Raises OSError."""
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        with self._alone():
            try:
                self._fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
                self.header = Header.read(os.pread(self._fd, HEADER_BYTES, 0))
                if os.fstat(self._fd).st_size != self._size:
                    raise Unreadable("its size is not right")
                if self.header.boot == boot_id() and self.header.lost_at <= self._clock():
                    return
                lost_at = 0.0  # of an earlier boot, whose times mean nothing now
            except FileNotFoundError:
                lost_at = 0.0
            except Unreadable:
                lost_at = self._clock()
            except BaseException:
                self._close()  # or it would be used without its header
                raise
            if self._fd is not None:
                os.ftruncate(self._fd, 0)
            self._close()
            self._create(lost_at)
            self._fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
            self.header = Header.read(os.pread(self._fd, HEADER_BYTES, 0))

    def _create(self, lost_at: float, content: bytes = b"") -> None:
        """A new file in place of what is there. Its space is allocated: a full disk fails here, and not later."""
        new = self._path.with_suffix(".new")
        fd = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE)
        try:
            os.posix_fallocate(fd, 0, self._size)
            os.pwrite(fd, content or Header.new(lost_at).pack(), 0)
            new.rename(self._path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from opening or replacing the file."""
        fd = open_lock_file(self._path.with_suffix(".lock"))
        patient_until = time.monotonic() + _PATIENCE_SECONDS
        try:
            while not lock_now(fd):
                if time.monotonic() > patient_until:
                    raise TimeoutError(f"{self._path} is being made by another process")
                time.sleep(_PAUSE_SECONDS)
            yield
        finally:
            fcntl.flock(fd, fcntl.LOCK_UN)  # a child forked meanwhile has a copy
            os.close(fd)

    def _is_current(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), self._path.stat())
        except FileNotFoundError:
            return False

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd = None

    def _forget(self) -> None:
        """In a forked child: the lock belongs to the parent, so drop the copy without unlocking."""
        with suppress(OSError):
            self._close()
        self._fd = None
        self._guard = threading.RLock()
        self._depth = 0


def _last_error() -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))


_open_files: "weakref.WeakSet[HostFile]" = weakref.WeakSet()


def _forget_all() -> None:
    for file in _open_files:
        file._forget()


os.register_at_fork(after_in_child=_forget_all)
