"""A table of counts in a `HostFile`: sets of cells, of which a key's digest names one set.

A count lives until it expires, and a live one never makes room: a key for which its set has no cell left shares one
count with all others of its kind.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from filewallball.clock import steady_seconds
from filewallball.counting.host_file import Damaged, HostFile

CELLS_OF_A_SET = 32
SETS = 4096
MOST = (1 << 31) - 1
APART = 1 << 31
"""The bit of a count that was raised while the store shared with other hosts was away."""
_SHARED_SETS = 16
_DIGEST_BYTES = 12
_FIELDS = struct.Struct("<12sdII")
_CHECK = struct.Struct("<I")
_CELL_BYTES = _FIELDS.size + _CHECK.size
_SET_BYTES = CELLS_OF_A_SET * _CELL_BYTES
_EMPTY = bytes(_CELL_BYTES)


@dataclass(slots=True)
class Cell:
    """The count of one key, or of all of its kind; it means nothing once the steady clock has passed `expires`.

    `earlier` is for those who keep a second count beside it.
    """

    digest: bytes
    offset: int
    expires: float = 0.0
    count: int = 0
    earlier: int = 0
    is_common: bool = False


class Cells:
    """The table; for use with `file` held only."""

    def __init__(self, path: Path, sets: int = SETS, clock: Callable[[], float] = steady_seconds) -> None:
        self._sets = sets
        self._last: tuple[str, int, Cell] | None = None
        self.file = HostFile(path, (sets + _SHARED_SETS) * _SET_BYTES, _SET_BYTES, clock)

    def find(self, key: str) -> Cell:
        """The cell of the key, a fresh one if it has none yet, or the common one of its kind where none is left.

        While the lock is held, asking again gives the same object. Raises Damaged, OSError.
        """
        if self._last is None or self._last[0] != key or self._last[1] != self.file.holds:
            self._last = key, self.file.holds, self._find(key)
        return self._last[2]

    def _find(self, key: str) -> Cell:
        digest = self._digest(key)
        found = self._look(digest, _number(digest) % self._sets)
        if found is not None:
            return found
        digest = self._digest(_kind_of(key))
        common = self._look(digest, self._sets + _number(digest) % _SHARED_SETS)
        if common is None:
            raise OSError(f"no count is left for {_kind_of(key)}")
        common.is_common = True
        return common

    def known(self, key: str) -> Cell | None:
        """The key's own cell if it has one. Raises Damaged, OSError."""
        digest = self._digest(key)
        start = _number(digest) % self._sets * _SET_BYTES
        return _found(self.file.read(start, _SET_BYTES), start, digest)

    def store(self, cell: Cell) -> None:
        """Write the cell as it is now. Raises OSError."""
        data = _FIELDS.pack(cell.digest, cell.expires, cell.count, cell.earlier)
        self.file.write(cell.offset, data + _CHECK.pack(zlib.crc32(data)))

    def _digest(self, key: str) -> bytes:
        """Keyed, or a client could choose addresses whose counts all go to one set."""
        return blake2b(key.encode(), digest_size=_DIGEST_BYTES, key=self.file.header.key).digest()

    def _look(self, digest: bytes, number: int) -> Cell | None:
        start = number * _SET_BYTES
        data = self.file.read(start, _SET_BYTES)
        return _found(data, start, digest) or self._unused(data, start, digest)

    def _unused(self, data: bytes, start: int, digest: bytes) -> Cell | None:
        now, unused = self.file.now, None
        for at in range(0, _SET_BYTES, _CELL_BYTES):
            if data[at : at + _CELL_BYTES] == _EMPTY or _read(data, at, start).expires < now:
                unused = at if unused is None else unused
        return None if unused is None else Cell(digest, start + unused)


def _found(data: bytes, start: int, digest: bytes) -> Cell | None:
    at = data.find(digest)
    while at >= 0 and at % _CELL_BYTES:
        at = data.find(digest, at + 1)
    return _read(data, at, start) if at >= 0 else None


def _read(data: bytes, at: int, start: int) -> Cell:
    digest, expires, count, earlier = _FIELDS.unpack_from(data, at)
    if _CHECK.unpack_from(data, at + _FIELDS.size)[0] != zlib.crc32(data[at : at + _FIELDS.size]):
        raise Damaged("a count is not what was written")
    return Cell(digest, start + at, expires, count, earlier)


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:4], "little")


def _kind_of(key: str) -> str:
    """All of a key but the client: `LIMITER/upload/…/60/1/minute`, as `RateLimitItem.key_for` composes it."""
    parts = key.split("/")
    return "/".join((*parts[:3], "", *parts[-3:]))
