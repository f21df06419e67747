"""The bytes of unfinished uploads: `uploads/<upload>/<number>`, each segment written by one request at a time.

Whoever takes an upload over from a request that may still be writing begins a segment of its own, so no byte of one can
land in the other's place. What counts of a segment is what the database says; more may lie behind it.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from filewallball.errors import StorageFailed
from filewallball.storage.folders import FOLDER_MODE, entered, entries, opened
from filewallball.storage.local import LocalStore
from filewallball.storage.stage import FILE_MODE, bytes_between_checks, storage_error, write_all

_FOLDER = "uploads"
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
_PIECE_BYTES = 1024 * 1024
_WRITE_BACK_BYTES = 4 * 1024 * 1024
Piece = tuple[int, int]
"""A segment's number, and how many of its bytes count."""


class Segment:
    """A segment that this request alone writes to. Nothing can be written to it after a failure."""

    def __init__(self, fd: int, size: int, look_again: Callable[[], int]) -> None:
        self.size = size
        self._fd = fd
        self._look_again = look_again
        self._failed = False
        self._synced = size
        self._written_back = size
        self._next_check = size + bytes_between_checks(look_again())

    @property
    def is_whole(self) -> bool:
        """False after a write or a sync that failed: what the file holds is not known then."""
        return not self._failed

    def write(self, data: bytes) -> None:
        """Append all of `data`. Raises StorageFull or StorageFailed."""
        if self.size >= self._next_check:
            self._next_check = self.size + bytes_between_checks(self._look_again())
        try:
            write_all(self._fd, memoryview(data))
        except OSError as error:
            self._failed = True
            raise storage_error(error) from error
        self.size += len(data)

    def start_writing_back(self) -> None:
        """Let the kernel begin to write what has come, so that the next sync has little left to wait for."""
        begun = self._written_back
        if self.size - begun >= _WRITE_BACK_BYTES:
            self._written_back = self.size
            with suppress(OSError):
                os.posix_fadvise(self._fd, begun, self.size - begun, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        """Force the bytes to the disk, once: a sync that failed is not repeated. Raises StorageFull, StorageFailed."""
        if self._failed:
            raise StorageFailed
        if self._synced == self.size:
            return
        try:
            os.fsync(self._fd)
        except OSError as error:
            self._failed = True
            raise storage_error(error) from error
        self._synced = self.size

    def cut(self, size: int) -> None:
        """Drop the bytes beyond `size`."""
        try:
            os.ftruncate(self._fd, size)
            os.lseek(self._fd, size, os.SEEK_SET)
        except OSError as error:
            self._failed = True
            raise storage_error(error) from error
        self.size = size
        self._synced = min(self._synced, size)
        self._written_back = min(self._written_back, size)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class UploadSegments:
    """The segments of all unfinished uploads, beside the blobs of a store."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store
        self._root = store.root / _FOLDER

    def open(self, upload_id: str, number: int, size: int) -> Segment:
        """The segment, made if it is new, with the first `size` bytes of what it holds; its name is on the disk.

        Raises StorageFull, StorageFailed, StoreNotMounted.
        """
        self._store.check_mounted()
        try:
            fd = self._open(upload_id, number)
        except OSError as error:
            raise storage_error(error) from error
        try:
            if os.fstat(fd).st_size < size:
                raise StorageFailed("Bytes of the upload are missing.")
            os.ftruncate(fd, size)
            os.lseek(fd, size, os.SEEK_SET)
            return Segment(fd, size, self._store.spare_bytes)
        except OSError as error:
            os.close(fd)
            raise storage_error(error) from error
        except BaseException:
            os.close(fd)
            raise

    def path(self, upload_id: str, number: int) -> Path:
        """The file of a segment."""
        return self._root / upload_id / _name(number)

    def read(self, upload_id: str, pieces: Iterable[Piece]) -> Iterator[bytes]:
        """The bytes of an upload. Raises StorageFailed where some are missing."""
        for number, size in pieces:
            left = size
            try:
                with self.path(upload_id, number).open("rb", buffering=0) as file:
                    while left and (data := file.read(min(left, _PIECE_BYTES))):
                        left -= len(data)
                        yield data
            except OSError as error:
                raise storage_error(error) from error
            if left:
                raise StorageFailed("Bytes of the upload are missing.")

    def remove(self, upload_id: str) -> None:
        """Remove what an upload left; what cannot be removed now is the sweep's."""
        shutil.rmtree(self._root / upload_id, ignore_errors=True)

    def uploads(self) -> list[str]:
        """The uploads that have segments."""
        self._store.check_mounted()
        return list(entries(self._root, _UPLOAD_ID))

    def _open(self, upload_id: str, number: int) -> int:
        name = _name(number)
        with opened(self._store.root) as root, entered(_FOLDER, root) as folder:
            with suppress(FileExistsError):
                os.mkdir(upload_id, FOLDER_MODE, dir_fd=folder)
                os.fsync(folder)
            with opened(upload_id, folder) as own:
                try:
                    return os.open(name, os.O_RDWR | os.O_NOFOLLOW, dir_fd=own)
                except FileNotFoundError:
                    fd = os.open(name, _FLAGS, FILE_MODE, dir_fd=own)
                    os.fsync(own)
                    return fd


def _name(number: int) -> str:
    return f"{number:08}"
