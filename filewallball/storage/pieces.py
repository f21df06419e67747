"""Stored bytes piece by piece, told apart from everything else that may fail while they are passed on."""

from collections.abc import Iterator
from typing import Protocol

from filewallball.errors import StorageFailed


class Readable(Protocol):
    """A source of bytes."""

    def read(self, size: int, /) -> bytes | None: ...


def pieces(file: Readable, size: int) -> Iterator[bytes]:
    """The bytes from where the file stands, at most `size` at once. Raises StorageFailed where the disk does not give
    them."""
    try:
        while data := file.read(size):
            yield data
    except OSError as error:
        raise StorageFailed("The stored bytes cannot be read.") from error
