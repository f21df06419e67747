"""The metric file format of prometheus_client, read with suspicion and written with its space reserved.

Space is allocated before it is mapped: a full disk is an OSError when a series is added, never a SIGBUS when
one is counted.
"""

import json
import mmap
import os
import re
import struct
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

HEADER_BYTES = 8
_NAME = re.compile(r"(?:(?:counter|histogram|summary|gauge_[a-z]+)_(\d+)\.db|exemplars_(\d+)\.bin)")
_RESERVED_BYTES = 256 * 1024
_int_at = struct.Struct("i").unpack_from
_to_json = json.JSONEncoder(sort_keys=True).encode
_pack_int = struct.Struct("i").pack


class Unreadable(Exception):
    """The file is not, or no longer, a whole metric file."""


def entries(data: bytes | bytearray | mmap.mmap, start: int, used: int) -> Iterator[tuple[bytes, int]]:
    """(key, index of its value among the doubles of the file) from byte `start` on. Raises Unreadable."""
    position = start
    while position < used:
        if position + 4 > used:
            raise Unreadable("an entry is cut")
        (length,) = _int_at(data, position)
        value_at = position + 4 + length + 8 - (length + 4) % 8
        if length <= 0 or value_at + 16 > used:
            raise Unreadable("an entry is longer than its file")
        yield bytes(data[position + 4 : position + 4 + length]), value_at // 8
        position = value_at + 16


def used_bytes(data: bytes | bytearray | mmap.mmap, size: int) -> int:
    """The bytes of the file that are in use. Raises Unreadable where that cannot be true."""
    if size < HEADER_BYTES:
        raise Unreadable("the file is shorter than its header")
    (used,) = _int_at(data, 0)
    if used < HEADER_BYTES or used > size or used % 8:
        raise Unreadable("the header is not that of a metric file")
    return int(used)


def parse_key(key: bytes) -> tuple[str, str, dict[str, str], str]:
    """(metric, sample, labels, help) of an entry. Raises Unreadable."""
    try:
        metric, sample, labels, about = json.loads(key)
        return metric, sample, dict(labels), about
    except (ValueError, TypeError) as error:
        raise Unreadable("a key is not a metric's") from error


def metric_key(metric: str, sample: str, labels: Mapping[str, str], about: str) -> str:
    """The key of an entry, as prometheus_client writes it: `parse_key` reads it."""
    return _to_json((metric, sample, labels, about))


def slot_of(path: Path) -> int | None:
    """The slot that a metric file belongs to, None for a foreign one."""
    name = _NAME.fullmatch(path.name)
    return int(name[1] or name[2]) if name else None


def check_file(path: Path) -> None:
    """Check that all of the file can be read. Raises Unreadable, OSError."""
    data = path.read_bytes()
    for key, _ in entries(data, HEADER_BYTES, used_bytes(data, len(data))):
        parse_key(key)


class SlotFile:
    """The values of one kind (counter, histogram, gauge mode) of one slot. Its owner is the only writer."""

    def __init__(self, path: Path) -> None:
        self._file = open_or_make(path, _RESERVED_BYTES, _pack_int(HEADER_BYTES))
        self._closed = weakref.finalize(self, os.close, self._file)
        try:
            size = os.fstat(self._file).st_size
            self._used = used_bytes(os.pread(self._file, HEADER_BYTES, 0), size)
            self._positions: dict[str, int] = {}
            self._map(size)
            for key, index in entries(self._bytes, HEADER_BYTES, self._used):
                parse_key(key)
                self._positions[key.decode()] = index
        except BaseException:
            self.close()
            raise

    def index(self, key: str) -> int:
        """The index in `cells` of the value of `key`; appended with 0 if new. Raises OSError on a full disk."""
        if key not in self._positions:
            self.reserve([key])
        return self._positions[key]

    def reserve(self, keys: Iterable[str]) -> None:
        """Append those keys that are new, each with 0: all of them or none. Raises OSError on a full disk."""
        new = [key for key in keys if key not in self._positions]
        entries = [_entry(key.encode()) for key in new]
        ends = list(accumulate(map(len, entries), initial=self._used))
        self._append(b"".join(entries), ends[-1])
        self._positions.update(zip(new, (end // 8 - 2 for end in ends[1:]), strict=True))

    @property
    def keys(self) -> list[str]:
        """Every series in the file."""
        return list(self._positions)

    def close(self) -> None:
        self._closed()

    def _append(self, block: bytes, end: int) -> None:
        if end > self._size:
            self._map(max(2 * self._size, end))
        self._bytes[self._used : end] = block
        self._bytes[0:4] = _pack_int(end)  # last, so that a reader never sees half an entry
        self._used = end

    def _map(self, size: int) -> None:
        os.posix_fallocate(self._file, 0, size)
        self._size = os.fstat(self._file).st_size
        self._bytes = mmap.mmap(self._file, self._size)
        self.cells = memoryview(self._bytes).cast("d")


def _entry(key: bytes) -> bytes:
    padded = key + b" " * (8 - (len(key) + 4) % 8)
    return struct.pack(f"i{len(padded)}sdd", len(key), padded, 0.0, 0.0)


def open_or_make(path: Path, size: int, head: bytes) -> int:
    """A descriptor of the file, made under another name first: readers never see one without its head."""
    flags = os.O_RDWR | os.O_CLOEXEC
    with suppress(FileNotFoundError):
        return os.open(path, flags)
    new = path.with_suffix(".new")
    file = os.open(new, flags | os.O_CREAT | os.O_TRUNC, 0o640)
    try:
        os.posix_fallocate(file, 0, size)
        os.pwrite(file, head, 0)
        new.rename(path)
    except BaseException:
        os.close(file)
        new.unlink(missing_ok=True)
        raise
    return file
