"""One upload on its way to the disk: hashed, counted and limited while its bytes arrive, written once."""

import errno
import fcntl
import hashlib
import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from filewallball.errors import ApiError, FileTooLarge, StorageFailed, StorageFull
from filewallball.storage.folders import open_folder

HEAD_BYTES = 4096  # a PE header may lie this far in; libmagic needs less
_CHECK_EVERY_BYTES = 8 * 1024 * 1024
_CHECK_AT_LEAST_BYTES = 64 * 1024
FILE_MODE = 0o640
_ADOPTED_FLAGS = os.O_RDWR | os.O_NOFOLLOW
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW  # Python adds O_CLOEXEC


class Stage(io.RawIOBase):
    """A file in `staging/`, locked from its creation until `close()`; the lock follows it into `blobs/`.

    Writes append and reads have a position of their own, so a multipart parser may rewind it after writing.
    `write` raises `FileTooLarge`, `StorageFull` or `StorageFailed`; nothing can be published after that.
    Closing it, or leaving its `with` block, drops the file unless it was published.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        spare: int,
        look_again: Callable[[], int],
        source: Path | None = None,
    ) -> None:
        """With a `source`, the file is a second name of that one; `adopt` says what is in it."""
        super().__init__()
        self.head = b""
        self.size = 0
        self.received = 0
        """The bytes that were offered for writing, the part that was refused included."""
        self._max_bytes = max_bytes
        self._look_again = look_again
        self._hash = hashlib.sha256()
        self._digest = ""
        """The digest, once somebody asked for it."""
        self._read_at = 0
        self._checked_at = 0
        self._failed = False
        self._published = False
        self._fd = -1
        self._next_check = bytes_between_checks(spare)
        try:
            self.token, self._location, self._fd = _create_locked(str(folder), source)
        except OSError as error:
            raise storage_error(error) from error

    @property
    def location(self) -> Path:
        """The place where the file is now."""
        return Path(self._location)

    @property
    def sha256(self) -> str:
        """The digest of everything written so far, in hexadecimal."""
        if not self._digest:
            self._digest = self._hash.hexdigest()
        return self._digest

    def adopt(self, digest: Any) -> Self:
        """Take what the source has for written; `digest` is the SHA-256 of it, None to have it computed.

        Raises `StorageFailed`, with the stage closed.
        """
        try:
            self.size = self.received = os.fstat(self.fileno()).st_size
            self.head = os.pread(self.fileno(), HEAD_BYTES, 0)
            self._hash, self._digest = digest or hashlib.file_digest(self, "sha256"), ""
        except OSError as error:
            self.close()
            raise storage_error(error) from error
        return self

    def write(self, data: Any, /) -> int:
        """Append all of `data`."""
        view = memoryview(data).cast("B")
        length = view.nbytes
        if not length:  # a parser's last word
            return 0
        self.received += length
        if self.size + length > self._max_bytes:
            self._failed = True
            seen = {"max_size": self._max_bytes, "file_size": self.size + length}
            raise FileTooLarge(f"The limit is {self._max_bytes} bytes.", facts=seen)
        self._hash.update(view)
        self._digest = ""
        try:
            write_all(self.fileno(), view)
        except OSError as error:
            self._failed = True
            raise storage_error(error) from error
        if len(self.head) < HEAD_BYTES:
            self.head += bytes(view[: HEAD_BYTES - len(self.head)])
        self.size += length
        if self.size >= self._next_check:
            self._make_room()
        return length

    def require_whole(self) -> None:
        """Raise `StorageFailed` if a write or the sync has failed."""
        if self._failed:
            raise StorageFailed

    def sync(self) -> None:
        """Force the bytes to the disk, once: after a failure the kernel may forget them and report success.

        Raises `StorageFull` or `StorageFailed`.
        """
        self.require_whole()
        try:
            os.fsync(self.fileno())
        except OSError as error:
            self._failed = True
            raise storage_error(error) from error

    def rename(self, location: str, name: str, folder: int) -> None:
        """Give the file another place, by its name in an open folder; from now on `close()` keeps it."""
        os.rename(self._location, name, dst_dir_fd=folder)
        self._location = location
        self._published = True

    def discard(self) -> None:
        """Drop the file, wherever it now is, and release its lock. Any number of calls is fine."""
        self._published = False
        self.close()

    def close(self) -> None:
        """Release the lock; a file that was never published is dropped first."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            if not self._published:
                with suppress(OSError):  # what cannot be unlinked now is the sweep's
                    self.location.unlink()
            os.close(fd)
        super().close()

    def fileno(self) -> int:
        if self._fd < 0:
            raise ValueError("the stage is closed")
        return self._fd

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        count = os.preadv(self.fileno(), [buffer], self._read_at)
        self._read_at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move the reading position; writing always appends."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._read_at, os.SEEK_END: self.size}[whence]
        self._read_at = max(0, base + offset)
        return self._read_at

    def tell(self) -> int:
        return self._read_at

    def __enter__(self) -> Self:
        return self

    def _make_room(self) -> None:
        try:
            spare = self._look_again()
        except ApiError:
            self._failed = True
            raise
        arrived = self.size - self._checked_at
        with suppress(OSError):  # begins writing it back, so that the last sync has little left to wait for
            os.posix_fadvise(self.fileno(), self._checked_at, arrived, os.POSIX_FADV_DONTNEED)
        self._checked_at = self.size
        self._next_check = self.size + bytes_between_checks(spare)


def storage_error(error: OSError) -> ApiError:
    """The error that a caller gets for a failed call on the store."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull()
    return StorageFailed()


def bytes_between_checks(spare: int) -> int:
    """The bytes that may arrive before the free space is looked at again."""
    return min(_CHECK_EVERY_BYTES, max(_CHECK_AT_LEAST_BYTES, spare // 2))


def _create_locked(folder: str, source: Path | None) -> tuple[str, str, int]:
    """The file's name, its place and a descriptor of it; the place as text, for a path costs as much as the rest."""
    while True:
        token = os.urandom(8).hex()
        parent = open_folder(folder)
        try:
            if source is not None:
                os.link(source, token, dst_dir_fd=parent, follow_symlinks=False)
            fd = os.open(token, _FLAGS if source is None else _ADOPTED_FLAGS, FILE_MODE, dir_fd=parent)
        finally:
            os.close(parent)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)  # waits: the sweep holds it for no longer than it takes to unlink
            if os.fstat(fd).st_nlink:
                return token, f"{folder}/{token}", fd
        except BaseException:
            with suppress(OSError):
                Path(folder, token).unlink()
            os.close(fd)
            raise
        os.close(fd)  # a sweep took the file between its creation and its lock


def write_all(fd: int, view: memoryview) -> None:
    """Write all of it, where the file's position is."""
    written = os.write(fd, view)
    while written < view.nbytes:
        written += os.write(fd, view[written:])
