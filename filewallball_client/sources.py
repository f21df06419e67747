"""Sources of uploads: a file, or a stream that can be read only once."""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from filewallball_client.errors import LocalError

_BLOCK_BYTES = 256 * 1024
Sent = Callable[[int], None]
Progress = Callable[[int, int], None]


def ignore(done: int, total: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True)
class Source:
    """An open file under the name that it is to have; `path` is empty for what cannot be read again later."""

    name: str
    file: BinaryIO
    size: int
    path: str = ""
    mtime_ns: int = 0
    reading: Progress = ignore

    @cached_property
    def utf8_name(self) -> bytes:
        """The name in UTF-8; bytes that are none become U+FFFD, as the service has them too."""
        return os.fsencode(self.name).decode("utf-8", "replace").encode()

    @cached_property
    def sha256(self) -> str:
        """The digest of all of it, for which it is read once."""
        digest = hashlib.sha256()
        for block in self.blocks(0, lambda position: self.reading(position, self.size)):
            digest.update(block)
        return digest.hexdigest()

    def blocks(self, start: int, sent: Sent) -> Iterator[bytes]:
        """The bytes from `start` on; `sent` is told where each block ends once it has been taken.

        Raises LocalError if the file has become shorter.
        """
        position = start
        while position < self.size:
            try:
                block = os.pread(self.file.fileno(), min(_BLOCK_BYTES, self.size - position), position)
            except OSError as error:
                raise LocalError(f"{self.path or self.name}: {error.strerror}") from error
            if not block:
                raise LocalError(f"{self.path or self.name}: the file has become shorter")
            yield block
            position += len(block)
            sent(position)


@contextmanager
def open_source(path: Path, name: str = "", reading: Progress = ignore) -> Iterator[Source]:
    """A file to upload; `reading` is told how far its digest is.

    What is no regular file is a stream, and needs a name. Raises LocalError.
    """
    with _opened(path) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            with spooled(file, name) as source:
                yield source
            return
        where = os.path.abspath(path)  # noqa: PTH100 - without following links: the same path is the same upload
        yield Source(
            checked_name(name or path.name), file, status.st_size, where, status.st_mtime_ns, reading
        )


@contextmanager
def spooled(stream: BinaryIO, name: str) -> Iterator[Source]:
    """A stream, kept in a temporary file, so that any part of it can be sent again. Raises LocalError."""
    name = checked_name(name)
    with tempfile.TemporaryFile() as file:
        try:
            shutil.copyfileobj(stream, file, _BLOCK_BYTES)
            file.flush()
        except OSError as error:
            raise LocalError(f"{name}: {error.strerror or error}") from error
        yield Source(name, file, os.fstat(file.fileno()).st_size)


def checked_name(name: str) -> str:
    """The name of a file, without folders. Raises LocalError."""
    if not name:
        raise LocalError("What is no regular file needs a name.")
    if name in (".", "..") or "/" in name or "\0" in name:
        raise LocalError(f"{name!r} is no name of a file.")
    return name


def _opened(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise LocalError(f"{path}: is a folder")
        return path.open("rb")
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror or error}") from error
