"""Staged bytes as the inspection sees them: their beginning, their length, and any part of the rest."""

import os
from typing import BinaryIO, Protocol

from filewallball.errors import StorageFailed
from filewallball.storage.stage import HEAD_BYTES


class Seekable(Protocol):
    """A file to look into."""

    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def read(self, size: int = -1, /) -> bytes | None: ...


class Staged(Seekable, Protocol):
    """A whole upload that is not published yet."""

    head: bytes
    size: int

    def fileno(self) -> int: ...


class Kept:
    """A stored file, seen as it was when it was staged."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.size = size
        self.seek, self.read, self.fileno = file.seek, file.read, file.fileno
        self.head = read_at(file, 0, HEAD_BYTES)


def read_at(file: Seekable, offset: int, length: int) -> bytes:
    """That many bytes from there, or as many as there are. Raises StorageFailed where the disk does not give them."""
    try:
        file.seek(offset, os.SEEK_SET)
        return file.read(length) or b""
    except OSError as error:
        raise StorageFailed("The stored bytes cannot be read.") from error
