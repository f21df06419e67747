"""Bombs: files that declare far more than they hold, told from their headers without unpacking or decoding anything."""

import os
import struct
from collections.abc import Callable
from typing import Protocol

from filewallball.files.inspection.animations import LOOK_AT_BYTES, count_frames

MAX_ENTRIES = 100_000
MAX_PIXELS = 300_000_000  # the largest phone cameras take 200 million
MAX_FRAMES = 20_000
MAX_ANIMATED_PIXELS = 20 * MAX_PIXELS  # such as 2,900 frames of 1920 by 1080
_MAX_EXPANSION = 200
_HARMLESS_BYTES = 256 * 1024 * 1024
_END_BYTES = 65_535 + 22
_DIRECTORY_BYTES = 32 * 1024 * 1024
_JPEG_BYTES = 256 * 1024
# A central directory entry: its mark, packed and unpacked size, and the lengths of name, extra fields and comment.
_ENTRY = struct.Struct("<4s16xIIHHH")
_ENTRY_FIXED_BYTES = 46
_UNKNOWN = 0xFFFFFFFF  # the true value stands in the ZIP64 fields
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


class Seekable(Protocol):
    """The staged file."""

    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def read(self, size: int = -1, /) -> bytes | None: ...


def is_archive_bomb(file: Seekable, size: int, family: str) -> bool:
    """Whether an archive declares too many entries, or an expansion beyond reason."""
    if family == "zip":
        return _is_zip_bomb(file, size)
    if family == "gzip" and size >= 18:
        declared = int.from_bytes(_read(file, size - 4, 4), "little")
        return _expands(declared, size)
    return False


def is_image_bomb(file: Seekable, head: bytes, media_type: str) -> bool:
    """Whether an image declares more pixels than anybody should decode, in one frame or in all of them."""
    measure = _MEASURES.get(media_type)
    if measure is None:
        return False
    try:
        width, height = measure(head if media_type != "image/jpeg" else _read(file, 0, _JPEG_BYTES))
    except (struct.error, IndexError):
        return False
    pixels = abs(width) * abs(height)
    if pixels > MAX_PIXELS:
        return True
    frames = count_frames(_read(file, 0, LOOK_AT_BYTES.get(media_type, 0)), media_type)
    return frames > MAX_FRAMES or frames * pixels > MAX_ANIMATED_PIXELS


def _is_zip_bomb(file: Seekable, size: int) -> bool:
    start = max(0, size - _END_BYTES)
    tail = _read(file, start, _END_BYTES)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return False
    entries, length, offset = struct.unpack_from("<HII", tail, at + 10)
    zip64 = tail.rfind(b"PK\x06\x06", 0, at)
    if zip64 >= 0 and len(tail) >= zip64 + 56:
        entries, length, offset = struct.unpack_from("<QQQ", tail, zip64 + 32)
    if entries > MAX_ENTRIES:
        return True
    declared, packed = _sums(_read(file, min(offset, size), min(length, _DIRECTORY_BYTES)))
    # Entries that share the same bytes add up to more than the file holds.
    return declared == _UNKNOWN or _expands(declared, size) or (packed > size and declared > _HARMLESS_BYTES)


def _sums(directory: bytes) -> tuple[int, int]:
    """Unpacked and packed bytes of all entries of a central directory."""
    declared = packed = at = count = 0
    while count <= MAX_ENTRIES and len(directory) >= at + _ENTRY_FIXED_BYTES:
        mark, here, there, name, extra, comment = _ENTRY.unpack_from(directory, at)
        if mark != b"PK\x01\x02":
            break
        if there == _UNKNOWN:
            there = _zip64_size(directory[at + 46 + name : at + 46 + name + extra])
        declared += there
        packed += 0 if here == _UNKNOWN else here
        at += _ENTRY_FIXED_BYTES + name + extra + comment
        count += 1
    return declared, packed


def _zip64_size(extra: bytes) -> int:
    at = 0
    while len(extra) >= at + 4:
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1 and length >= 8 and len(extra) >= at + 12:
            return int.from_bytes(extra[at + 4 : at + 12], "little")
        at += 4 + length
    return _UNKNOWN


def _expands(declared: int, size: int) -> bool:
    return declared > _HARMLESS_BYTES and declared > _MAX_EXPANSION * size


def _read(file: Seekable, offset: int, length: int) -> bytes:
    file.seek(offset, os.SEEK_SET)
    return file.read(length) or b""


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
    while data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + max(length, 2)
    return 0, 0


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
