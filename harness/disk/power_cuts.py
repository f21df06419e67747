"""The states that a power cut may leave a recorded disk in.

What was written before the last flush is on the disk. Of what was written after it, each sector keeps any of the values
that it was given, or the one before: so writes are lost, torn and reordered in every way that a disk with a cache may.
"""

import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from harness.disk.survivors import Survivors, Write

SECTOR_BYTES = 512  # what a disk writes whole or not at all
_HEADER = struct.Struct("<QI")


class PowerCuts:
    """Makes images of a disk as power cuts would leave it, at positions of the log that only go up."""

    def __init__(self, blank: Path, log: Path, image: Path) -> None:
        self._flushed = image.with_suffix(".flushed")
        _copy(blank, self._flushed)
        self._records = _records(log)
        self._pending: list[Write] = []
        self._next: Write | None = None
        self._image = image

    def image(self, position: int, survivors: Survivors) -> Path:
        """The disk after a cut at `position`; the file is overwritten by the next call."""
        self._advance(position)
        _copy(self._flushed, self._image)
        _apply(self._image, [sector for sector in _sectors(self._pending) if survivors(sector)])
        return self._image

    def _advance(self, position: int) -> None:
        while (record := self._next or next(self._records, None)) is not None:
            if record.end > position:
                self._next = record
                return
            self._next = None
            if record.data:
                self._pending.append(record)
                continue
            _apply(self._flushed, self._pending)
            self._pending = []


def _copy(image: Path, to: Path) -> None:
    subprocess.run(["cp", "--sparse=always", image, to], check=True)


def _records(log: Path) -> Iterator[Write]:
    position = 0
    with log.open("rb") as file:
        while len(header := file.read(_HEADER.size)) == _HEADER.size:
            offset, length = _HEADER.unpack(header)
            data = file.read(length)
            position += _HEADER.size + length
            yield Write(offset, data, position)


def _sectors(writes: list[Write]) -> Iterator[Write]:
    for write in writes:
        for start in range(0, len(write.data), SECTOR_BYTES):
            yield Write(write.offset + start, write.data[start : start + SECTOR_BYTES], write.end)


def _apply(image: Path, writes: list[Write]) -> None:
    fd = os.open(image, os.O_WRONLY)
    try:
        for write in writes:
            os.pwrite(fd, write.data, write.offset)
    finally:
        os.close(fd)
