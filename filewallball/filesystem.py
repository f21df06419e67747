"""Locks between the processes of one host, shared syncs, files that are replaced whole, and secrets in files of their
own."""

import errno
import fcntl
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PRIVATE = 0o600
OTHERS = 0o007
"""The rights to a file of users outside of the service's group."""
_UMASK = 0o027
_ANYBODY = 0o666  # less the umask: what root writes on the command line, the service reads


def close_to_others() -> None:
    """Let this process make folders of 0750 and files of 0640 at most; a stricter umask stays."""
    os.umask(os.umask(_UMASK) | _UMASK)


def occupy_standard_descriptors() -> None:
    """Let those of the standard streams that are closed lead nowhere, or the next file would get their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold the lock of a file, made if it is missing; False if somebody else holds it.

    The kernel releases it if the process dies; lock files are never deleted.
    """
    with locked(open_lock_file(path)) as held:
        yield held


def open_lock_file(path: Path) -> int:
    """A descriptor of a lock file, made if it is missing. Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)


@contextmanager
def locked(fd: int) -> Iterator[bool]:
    """Hold the lock of an open file, which is closed at the end; yields False if another process holds it."""
    try:
        yield lock_now(fd)
    finally:
        os.close(fd)


def lock_now(fd: int) -> bool:
    """Take the lock of an open file without waiting; False if somebody else holds it. Closing the file releases it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def replace_file(path: Path, data: bytes, *, durable: bool, mode: int = _ANYBODY) -> None:
    """Give a file new content; whoever reads meanwhile sees all of the old or all of the new.

    Only a durable one is sure to outlive a loss of power. Raises OSError, and the old file stays.
    """
    temporary = _temporary(path)
    create_file(temporary, data, durable=durable, mode=mode)
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_names(path.parent)


def create_file(path: Path, data: bytes, *, durable: bool = True, mode: int = PRIVATE) -> None:
    """Write a new file whole or not at all. Raises OSError, FileExistsError where there is one."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(fd)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Force the folder's entries to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_names(folder: Path) -> None:
    """The same where it can be done: some file systems sync no folders, and the names are there all the same."""
    with suppress(OSError):
        sync_folder(folder)


def make_durable_folder(path: Path, mode: int) -> None:
    """Create a folder, and those above it, unless they are there; new names outlive a loss of power. Raises OSError."""
    if path.is_dir():
        return
    make_durable_folder(path.parent, mode)
    path.mkdir(mode=mode, exist_ok=True)
    sync_names(path.parent)


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in a file that only this user can read; a new one from `make` where there is none.

    Two that start together agree on one. Raises OSError for a file that is empty: nothing would be secret.
    """
    try:
        return _read_secret(path)
    except FileNotFoundError:
        _publish(path, make())
        return _read_secret(path)


def _read_secret(path: Path) -> str:
    secret = path.read_text().strip()
    if not secret:
        raise OSError(errno.EINVAL, "is empty, and should hold a secret", str(path))
    return secret


def _publish(path: Path, secret: str) -> None:
    temporary = _temporary(path)
    create_file(temporary, f"{secret}\n".encode())
    try:
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
    sync_names(path.parent)  # before anything is signed with it


def _temporary(path: Path) -> Path:
    """A name beside the file that nobody else has: several may write it at once."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


class SharedSync:
    """One sync of a file or folder for all threads that wait for it: whoever comes while a sync is under way waits for
    the next one, which is everybody's who came before it began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._next = _Round()
        self._is_led = False
        self._waiting = 0

    def sync(self, force: Callable[[], object]) -> None:
        """Return once a sync is over that began after this call: by `force`, or by that of another who waited.

        Raises OSError if it failed, to all who shared it.
        """
        with self._lock:
            joined = self._next
            if self._is_led:
                self._wait(joined)
            leads = not joined.is_over
            if leads:
                self._is_led, self._next = True, _Round()
        if leads:
            self._lead(joined, force)
        if joined.failure:
            raise OSError(joined.failure, os.strerror(joined.failure))

    def _wait(self, joined: "_Round") -> None:
        self._waiting += 1
        try:
            self._changed.wait_for(lambda: joined.is_over or not self._is_led)
        finally:
            self._waiting -= 1

    def _lead(self, joined: "_Round", force: Callable[[], object]) -> None:
        try:
            force()
            joined.failure = 0
        except OSError as error:
            joined.failure = error.errno or errno.EIO
        finally:
            with self._lock:
                joined.is_over, self._is_led = True, False
                if self._waiting:
                    self._changed.notify_all()


@dataclass(slots=True, eq=False)
class _Round:
    """One sync, and what became of it."""

    failure: int = errno.EIO
    """The number of the error; what did not end has failed."""
    is_over: bool = False


class OpenFile:
    """An open file, to be synced, that is closed when nobody uses it any more."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.fd = -1
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
