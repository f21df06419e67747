"""A download that goes on where the last try stopped, is compared with its digest, and replaces nothing unasked."""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import httpx

from filewallball_client.connection import Connection, file_path
from filewallball_client.errors import DigestMismatch, LocalError, Refused, Unreachable
from filewallball_client.records import StoredFile

_BLOCK_BYTES = 256 * 1024
Received = Callable[[int], None]


def fetch_to_path(
    connection: Connection, file: StoredFile, path: Path, received: Received, *, overwrite: bool
) -> None:
    """Download a file to `path`, by way of a partial file beside it, which a later call goes on with.

    Raises LocalError for a path that exists, unless `overwrite`; Refused, Unreachable, DigestMismatch.
    """
    if not overwrite and os.path.lexists(path):
        raise LocalError(f"{path}: exists already")
    partial = path.with_name(f".fwb-{file.file_id}-{file.file_hash[:16]}.part")
    with _opened(partial) as target, _local_errors(path):
        digest, position = _digest_of(target, file.file_size)
        received(position)
        for block in _arriving(connection, file, position, received):
            digest.update(block)
            target.write(block)
        target.flush()
        if digest.hexdigest() != file.file_hash:
            partial.unlink(missing_ok=True)
            raise DigestMismatch(f"{path}: what arrived is not what was uploaded; nothing was kept of it")
        os.fsync(target.fileno())
        _publish(partial, path, overwrite=overwrite)


def fetch_to_stream(connection: Connection, file: StoredFile, target: BinaryIO, received: Received) -> None:
    """Download a file into a stream. Raises DigestMismatch only after the bytes were written, LocalError, and
    BrokenPipeError once nobody reads any more."""
    digest = hashlib.sha256()
    with _local_errors(str(getattr(target, "name", "the stream"))):
        for block in _arriving(connection, file, 0, received):
            digest.update(block)
            target.write(block)
        target.flush()
    if digest.hexdigest() != file.file_hash:
        raise DigestMismatch(f"{file.filename}: what arrived is not what was uploaded")


def _arriving(connection: Connection, file: StoredFile, position: int, received: Received) -> Iterator[bytes]:
    """The bytes from `position` on, over as many connections as it takes."""
    patience = connection.patience()
    while position < file.file_size:
        try:
            for block in _part(connection, file, position):
                position += len(block)
                yield block
                received(position)
                patience.progressed()  # only now: whoever reads a stream may take his time
        except (Refused, httpx.TransportError) as error:
            connection.wait(patience, error)


def _part(connection: Connection, file: StoredFile, position: int) -> Iterator[bytes]:
    headers = {"Accept-Encoding": "identity"}
    if position:
        headers |= {"Range": f"bytes={position}-", "If-Range": f'"{file.file_hash}"'}
    with connection.stream(file_path(file.file_id, "download"), headers) as answer:
        skipped = _start_of(answer, file, position)
        left = file.file_size - position
        for block in answer.iter_raw(_BLOCK_BYTES):
            piece, skipped = block[skipped:], max(0, skipped - len(block))
            if len(piece) > left:
                raise Unreachable(f"{file.filename}: more bytes arrive than the file has")
            left -= len(piece)
            if piece:
                yield piece
        if left:
            raise httpx.RemoteProtocolError("the answer ended early")


def _start_of(answer: httpx.Response, file: StoredFile, position: int) -> int:
    """The number of bytes to pass over: none of the part that was asked for, some of an answer with the whole file."""
    if answer.headers.get("ETag", "").removeprefix("W/").strip('"') != file.file_hash:
        raise Unreachable(f"{file.filename}: the answer is not this file")
    if answer.status_code == 200:
        return position
    expected = f"bytes {position}-{file.file_size - 1}/{file.file_size}"
    if answer.status_code == 206 and answer.headers.get("Content-Range") == expected:
        return 0
    raise Unreachable(f"{file.filename}: the answer is not the part that was asked for")


@contextmanager
def _opened(partial: Path) -> Iterator[BinaryIO]:
    """The partial file, which nobody else may have put there."""
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(partial, flags, 0o666)  # what the user's umask leaves of it
    except OSError as error:
        raise LocalError(f"{partial}: {error.strerror}") from error
    with os.fdopen(descriptor, "r+b") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink != 1:
            raise LocalError(f"{partial}: is not a file of one's own")
        with _local_errors(partial):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # another download of it
        yield file


@contextmanager
def _local_errors(place: Path | str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise LocalError(f"{place}: {error.strerror or error}") from error


def _digest_of(target: BinaryIO, size: int) -> tuple["hashlib._Hash", int]:
    """The digest and the length of what is there already; more than the file has is no part of it."""
    if os.fstat(target.fileno()).st_size > size:
        target.truncate(0)
    digest = hashlib.sha256()
    while block := target.read(_BLOCK_BYTES):
        digest.update(block)
    return digest, target.tell()


def _publish(partial: Path, path: Path, *, overwrite: bool) -> None:
    """Give the file its name, in one step, so that nobody sees a part of it or loses another file to it."""
    if overwrite:
        partial.replace(path)
        return
    try:
        path.hardlink_to(partial)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP):
            raise
        partial.rename(path)  # a file system without links
        return
    with suppress(OSError):
        partial.unlink()
