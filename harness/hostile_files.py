"""Files of any length that consist of the smallest parts of their format: as much work for each byte as can be."""

import gzip
import struct
from collections.abc import Callable

_ENTRY = struct.Struct("<4s16xIIHHH12x")
_UNKNOWN = 0xFFFFFFFF
_ENTRIES = 500_000  # as many as an archive may have


def gif_blocks(length: int) -> bytes:
    """A GIF of one image in blocks of one byte."""
    return _gif() + b"\x2c" + bytes(9) + b"\x02" + b"\x01A" * (length // 2)


def gif_frames(length: int) -> bytes:
    """A GIF of frames without content."""
    return _gif() + (b"\x2c" + bytes(9) + b"\x02\0") * (length // 12)


def gif_extensions(length: int) -> bytes:
    """A GIF of comments without content."""
    return _gif() + b"\x21\xfe\0" * (length // 3)


def webp_chunks(length: int) -> bytes:
    """A WebP of empty chunks."""
    chunks = b"JUNK\0\0\0\0" * (length // 8)
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + b"\x0f\0\0" * 2
    return b"RIFF" + struct.pack("<I", (len(chunks) + 22) % 2**32) + b"WEBP" + canvas + chunks


def png_chunks(length: int) -> bytes:
    """A PNG of empty chunks before its pixels."""
    header = struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 16, 16, 8, 2, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + header + b"\0\0\0\0tEXt\0\0\0\0" * (length // 12)


def jpeg_segments(length: int) -> bytes:
    """A JPEG of empty segments before its frame."""
    return b"\xff\xd8" + b"\xff\xe1\0\x02" * (length // 4)


def zip_entries(length: int) -> bytes:
    """A ZIP directory of entries without a name."""
    count = min(length // _ENTRY.size, _ENTRIES)
    return _archive(_ENTRY.pack(b"PK\x01\x02", 0, 0, 0, 0, 0) * count, count)


def zip_fields(length: int) -> bytes:
    """A ZIP directory whose entries are full of empty extra fields, and hide their size in none of them."""
    extra = b"\x99\x99\0\0" * (0xFFFC // 4)
    count = max(1, length // (_ENTRY.size + len(extra)))
    return _archive((_ENTRY.pack(b"PK\x01\x02", 0, _UNKNOWN, 0, len(extra), 0) + extra) * count, count)


def zip_few_fields(length: int) -> bytes:
    """A ZIP directory of many entries, each with a dozen empty extra fields."""
    extra = b"\x99\x99\0\0" * 12
    count = min(length // (_ENTRY.size + len(extra)), _ENTRIES)
    return _archive((_ENTRY.pack(b"PK\x01\x02", 0, _UNKNOWN, 0, len(extra), 0) + extra) * count, count)


def gzip_members(length: int) -> bytes:
    """A gzip file of empty members, the last of which declares 4 GB."""
    empty = gzip.compress(b"", mtime=0)
    return empty * (min(length, 20 * 1024 * 1024) // len(empty)) + empty[:-4] + b"\xff\xff\xff\xff"


def html_tags(length: int) -> bytes:
    """A document under a picture's name, full of tags that nearly have a script in them."""
    return b"<!doctype html><html>" + (b"<a" + b" onaaaaaaaaaaaaaaaaaaaa" * 20) * (length // 462)


def nested_json(length: int) -> bytes:
    """A JSON document of nothing but brackets."""
    return b"[" * length


def _gif() -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 16, 16, 0, 0, 0)


def _archive(directory: bytes, count: int) -> bytes:
    start = b"PK\x03\x04" + bytes(26)
    end64 = struct.pack(
        "<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), len(start)
    )
    end = struct.pack("<4s4xHHIIH", b"PK\x05\x06", 0xFFFF, 0xFFFF, _UNKNOWN, _UNKNOWN, 0)
    return start + directory + end64 + end


HOSTILE: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "GIF of blocks": ("a.gif", gif_blocks),
    "GIF of frames": ("a.gif", gif_frames),
    "GIF of comments": ("a.gif", gif_extensions),
    "WebP of chunks": ("a.webp", webp_chunks),
    "PNG of chunks": ("a.png", png_chunks),
    "JPEG of segments": ("a.jpg", jpeg_segments),
    "ZIP of entries": ("a.zip", zip_entries),
    "ZIP of extra fields": ("a.zip", zip_fields),
    "ZIP of entries with a dozen": ("a.zip", zip_few_fields),
    "gzip of empty members": ("a.gz", gzip_members),
    "HTML of tags": ("a.jpg", html_tags),
    "JSON of brackets": ("a.json", nested_json),
}
"""A title for each, the name to send it under, and the function that makes it of about so many bytes."""
