"""Bombs: files that declare far more than they hold, told from their headers; a gzip's claim is put to the test."""

import struct
import zlib
from collections.abc import Callable

from filewallball.files.inspection.animations import LOOK_AT_BYTES, MAX_FRAMES, BeyondLimits, count_frames
from filewallball.files.inspection.archives import MAX_ENTRIES, UNKNOWN_SIZE, Contents
from filewallball.files.inspection.staged import Seekable, read_at

MAX_PIXELS = 300_000_000  # the largest phone cameras take 200 million
MAX_ANIMATED_PIXELS = 20 * MAX_PIXELS  # such as 2,900 frames of 1920 by 1080
_MAX_EXPANSION = 200
_HARMLESS_BYTES = 256 * 1024 * 1024
_GZIP, _GZIP_LEAST_BYTES = zlib.MAX_WBITS | 16, 18
_UNPACK_BYTES, _PIECE_BYTES = 64 * 1024 * 1024, 64 * 1024
_MAX_MEMBERS = 20_000  # of a gzip that declares far more than it holds
_JPEG_BYTES = 256 * 1024
_MAX_SEGMENTS = 4096  # before a JPEG's frame; a profile and metadata take a few hundred at most
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def is_zip_bomb(contents: Contents, size: int) -> bool:
    """True if an archive declares too many entries, or an expansion beyond reason."""
    declared, packed = contents.unpacked, contents.packed
    if contents.entries > MAX_ENTRIES or declared == UNKNOWN_SIZE or _expands(declared, size):
        return True
    return packed > size and declared > _HARMLESS_BYTES  # entries share the same bytes


def is_gzip_bomb(file: Seekable, size: int) -> bool:
    """True if a gzip file declares an expansion beyond reason. The end of a file cut short declares nothing."""
    if size < _GZIP_LEAST_BYTES:
        return False
    declared = int.from_bytes(read_at(file, size - 4, 4), "little")
    return _expands(declared, size) and _unpacks_so(file, size)


def is_image_bomb(file: Seekable, head: bytes, media_type: str) -> bool:
    """True if an image declares more pixels than anybody should decode, in one frame or in all of them."""
    measure = _MEASURES.get(media_type)
    if measure is None:
        return False
    try:
        width, height = _measured(measure, file, head, media_type)
        pixels = abs(width) * abs(height)
        if pixels > MAX_PIXELS:
            return True
        looked_at = LOOK_AT_BYTES.get(media_type)
        frames = count_frames(read_at(file, 0, looked_at), media_type) if looked_at else 1
    except (struct.error, IndexError):
        return False
    except BeyondLimits:
        return True
    return frames > MAX_FRAMES or frames * pixels > MAX_ANIMATED_PIXELS


def _measured(
    measure: Callable[[bytes], tuple[int, int]], file: Seekable, head: bytes, media_type: str
) -> tuple[int, int]:
    """Width and height, from the head where it has them; a JPEG may name them behind much else."""
    try:
        return measure(head)
    except (struct.error, IndexError):
        if media_type != "image/jpeg":
            raise
    return measure(read_at(file, 0, _JPEG_BYTES))


def _unpacks_so(file: Seekable, size: int) -> bool:
    """True if the data go on to the end that declares their length, or expand beyond reason before it."""
    inflater = zlib.decompressobj(_GZIP)
    unpacked = at = members = 0
    left = b""
    while unpacked < _UNPACK_BYTES and members <= _MAX_MEMBERS:
        data = left or read_at(file, at, _PIECE_BYTES)
        at += 0 if left else len(data)
        if not data:
            return inflater.eof
        try:
            if inflater.eof:  # one member after another
                inflater = zlib.decompressobj(_GZIP)
                members += 1
            unpacked += len(inflater.decompress(data, _PIECE_BYTES))
        except zlib.error as error:
            return "incorrect length check" in str(error)  # the data end here, but not as they declare
        left = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
    return members > _MAX_MEMBERS or unpacked > _MAX_EXPANSION * (at - len(left))


def _expands(declared: int, size: int) -> bool:
    return declared > _HARMLESS_BYTES and declared > _MAX_EXPANSION * size


def _webp(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", head, 26)
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    for _ in range(_MAX_SEGMENTS):
        if data[at] != 0xFF:
            return 0, 0
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + max(length, 2)
    raise BeyondLimits


def _unpack(layout: str, offset: int) -> Callable[[bytes], tuple[int, int]]:
    def measure(head: bytes) -> tuple[int, int]:
        width, height = struct.unpack_from(layout, head, offset)
        return width, height

    return measure


def _png(head: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", head, 16)
    return (width, height) if head[12:16] == b"IHDR" else (0, 0)


_MEASURES: dict[str, Callable[[bytes], tuple[int, int]]] = {
    "image/png": _png,
    "image/gif": _unpack("<HH", 6),
    "image/bmp": _unpack("<ii", 18),
    "image/webp": _webp,
    "image/jpeg": _jpeg,
}
