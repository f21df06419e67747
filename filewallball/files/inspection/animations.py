"""The number of frames of an animated image, counted from its blocks without decoding any of them."""

import struct
from collections.abc import Callable

_MIB = 1024 * 1024
LOOK_AT_BYTES = {"image/gif": 16 * _MIB, "image/webp": 16 * _MIB, "image/png": _MIB}
"""Bytes to read: enough for a million of the smallest frames, or for their declared number. Later ones do not count."""
MAX_FRAMES = 20_000
_MAX_BLOCKS = 300_000  # of a GIF; 16 MiB of whole ones are 66,000
_MAX_CHUNKS = 2 * MAX_FRAMES  # of a WebP or PNG; sound ones have one for each frame and a few more
_GIF_HEADER_BYTES = 13
_GIF_IMAGE, _GIF_EXTENSION = 0x2C, 0x21


class BeyondLimits(Exception):
    """An image of so many tiny parts that counting its frames would take long."""


def count_frames(data: bytes, media_type: str) -> int:
    """The frames that the beginning of a file has, or declares to have; 1 for what is not animated.

    Counting ends soon after MAX_FRAMES. Raises BeyondLimits.
    """
    count = _COUNTS.get(media_type)
    try:
        return max(1, count(data)) if count else 1
    except (IndexError, struct.error):
        return 1


def _gif(data: bytes) -> int:
    at, frames, blocks = _GIF_HEADER_BYTES + _colours(data[10]), 0, 0
    end = len(data)
    while at < end and frames <= MAX_FRAMES:
        kind = data[at]
        if kind == _GIF_IMAGE:
            if at + 9 >= end:
                break
            frames += 1
            at += 11 + _colours(data[at + 9])
        elif kind == _GIF_EXTENSION:
            at += 2
        else:
            break
        while at < end and data[at]:  # blocks of up to 255 bytes, each with its length before it
            at += data[at] + 1
            blocks += 1
            if blocks > _MAX_BLOCKS:
                break
        at += 1
        blocks += 1  # the empty one that ends them
        if blocks > _MAX_BLOCKS:
            raise BeyondLimits
    return frames


def _colours(flags: int) -> int:
    """The bytes of a colour table."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _png(data: bytes) -> int:
    """The frames that an animated PNG declares before its first pixels; nobody shows more than that."""
    at = 8
    for _ in range(_MAX_CHUNKS):
        if at + 12 > len(data):
            return 1
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        if kind == b"acTL":
            return int.from_bytes(data[at + 8 : at + 12], "big")
        if kind == b"IDAT":
            return 1
        at += 12 + length
    raise BeyondLimits


def _webp(data: bytes) -> int:
    at, frames = 12, 0
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            return frames
        kind = data[at : at + 4]
        (length,) = struct.unpack_from("<I", data, at + 4)
        frames += kind == b"ANMF"
        at += 8 + length + (length & 1)
    raise BeyondLimits


_COUNTS: dict[str, Callable[[bytes], int]] = {"image/gif": _gif, "image/png": _png, "image/webp": _webp}
