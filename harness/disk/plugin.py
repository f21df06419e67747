"""A plugin of nbdkit, which runs it with the system's Python: a disk in a file, and a log of its writes and flushes.

The log's records are an offset and a length, then the bytes written; a flush has neither. Requests are handled one at a
time and answered once they are in the log, so that the log's order is the disk's.
"""

import os
import struct

import nbdkit  # type: ignore[import-not-found]

API_VERSION = 2

_HEADER = struct.Struct("<QI")
_paths: dict[str, str] = {}


def config(key: str, value: str) -> None:
    _paths[key] = value


def thread_model() -> int:
    return int(nbdkit.THREAD_MODEL_SERIALIZE_ALL_REQUESTS)


def open(readonly: bool) -> tuple[int, int]:  # noqa: A001 - nbdkit's name
    log = os.open(_paths["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    return os.open(_paths["image"], os.O_RDWR), log


def get_size(disk: tuple[int, int]) -> int:
    return os.fstat(disk[0]).st_size


def pread(disk: tuple[int, int], buffer: bytearray, offset: int, flags: int) -> None:
    os.preadv(disk[0], [buffer], offset)


def pwrite(disk: tuple[int, int], data: bytes, offset: int, flags: int) -> None:
    os.pwrite(disk[0], data, offset)
    os.writev(disk[1], [_HEADER.pack(offset, len(data)), data])


def flush(disk: tuple[int, int], flags: int) -> None:
    os.write(disk[1], _HEADER.pack(0, 0))
