"""The head of a file of counts: of which format and which boot it is, and whether counts were lost before it."""

import secrets
import struct
import uuid
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

VERSION = 1
BYTES = 4096
_MAGIC = b"FileWallBall counts\n"
_FIELDS = struct.Struct("<20sI16s16sd")
_CHECK = struct.Struct("<I")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Unreadable(Exception):
    """The file is no file of counts of this format."""


@dataclass(frozen=True, slots=True)
class Header:
    """`key` is that of the digests by which counts are found, `lost_at` the steady time at which counts were lost, 0
    where none were."""

    boot: bytes
    key: bytes
    lost_at: float

    @classmethod
    def new(cls, lost_at: float) -> "Header":
        """The header of a new file, of the present boot."""
        return cls(boot_id(), secrets.token_bytes(16), lost_at)

    @classmethod
    def read(cls, data: bytes) -> "Header":
        """The header in a file's first bytes. Raises Unreadable."""
        if len(data) < _FIELDS.size + _CHECK.size:
            raise Unreadable("the file is shorter than its header")
        magic, version, boot, key, lost_at = _FIELDS.unpack_from(data)
        (check,) = _CHECK.unpack_from(data, _FIELDS.size)
        if magic != _MAGIC or version != VERSION or check != zlib.crc32(data[: _FIELDS.size]):
            raise Unreadable("the header is not that of a file of counts")
        return cls(boot, key, lost_at)

    def pack(self) -> bytes:
        """The bytes of it."""
        data = _FIELDS.pack(_MAGIC, VERSION, self.boot, self.key, self.lost_at)
        return data + _CHECK.pack(zlib.crc32(data))


def boot_id() -> bytes:
    """The identity of this boot of the host; its steady clock begins anew with each."""
    with suppress(OSError, ValueError):
        return uuid.UUID(_BOOT_ID.read_text().strip()).bytes
    return bytes(16)
