"""ZIP archives by their central directory: what they declare to hold, and which format it makes them."""

import re
import struct
import zipfile
import zlib
from dataclasses import dataclass

from filewallball.files.inspection.signatures import OFFICE_FOLDERS, ZIP
from filewallball.files.inspection.staged import Seekable, read_at

MAX_ENTRIES = 500_000
"""Data sets and source trees have hundreds of thousands."""
UNKNOWN_SIZE = 0xFFFFFFFF
"""The size that says: the true value is in the ZIP64 fields."""
_MAX_FIELDS = 1_000_000  # extra fields that are looked at in search of a ZIP64 size; few entries have three
_END_BYTES = 65_535 + 22
_DIRECTORY_BYTES = 32 * 1024 * 1024
# A central directory entry: its mark, packed and unpacked size, the lengths of name, extra fields and comment, and
# where the entry itself begins.
_ENTRY = struct.Struct("<4s16xIIHHH8xI")
_ENTRY_MARK, _END_MARK, _END64_MARK = b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06"
_TYPES_PART, _ANDROID, _MANIFEST = b"[Content_Types].xml", b"AndroidManifest.xml", b"META-INF/MANIFEST.MF"
_CONTAINER, _HWPX, _MIMETYPE = b"META-INF/container.xml", b"Contents/content.hpf", b"mimetype"
_TELLING = frozenset((_TYPES_PART, _ANDROID, _MANIFEST, _CONTAINER, _HWPX, _MIMETYPE, *OFFICE_FOLDERS))
_INITIALS = frozenset(name[:1] for name in _TELLING)  # most names are settled by their first character
_DOCUMENT = re.compile(
    rb"application/(?:[a-z0-9.-]{1,80}\+zip|vnd\.oasis\.opendocument\.[a-z-]{1,60}|x-krita)"
)
_MIMETYPE_BYTES = 128


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents that a central directory declares; `telling` are the names that identify the archive's format."""

    entries: int
    unpacked: int = 0
    packed: int = 0
    telling: frozenset[bytes] = frozenset()
    media_type: str = ZIP

    @property
    def is_program(self) -> bool:
        """True if the archive is a program for a Java or Android machine."""
        return _MANIFEST in self.telling or _ANDROID in self.telling


def read_contents(file: Seekable, size: int) -> Contents | None:
    """Read an archive's central directory, once and within bounds; nothing where there is none."""
    start = max(0, size - _END_BYTES)
    tail = read_at(file, start, _END_BYTES)
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) < at + 22:
        return None
    end = at
    entries, length, offset = struct.unpack_from("<HII", tail, at + 10)
    zip64 = tail.rfind(_END64_MARK, 0, at)
    if zip64 >= 0 and len(tail) >= zip64 + 56:
        entries, length, offset = struct.unpack_from("<QQQ", tail, zip64 + 32)
        end = zip64
    if entries > MAX_ENTRIES:
        return Contents(entries)
    directory = read_at(file, min(offset, size), min(length, _DIRECTORY_BYTES))
    shift = 0
    if not directory.startswith(_ENTRY_MARK):  # something stands before the archive
        shift = max(0, start + end - length - offset)
        directory = read_at(file, min(offset + shift, size), min(length, _DIRECTORY_BYTES))
    unpacked, packed, told = _walk(directory)
    mimetype = _mimetype(file, told[_MIMETYPE] + shift) if _MIMETYPE in told else ""
    telling = _TELLING.intersection(told)
    return Contents(entries, unpacked, packed, telling, mimetype or _format(telling))


def _walk(directory: bytes) -> tuple[int, int, dict[bytes, int]]:
    """Unpacked and packed bytes of all entries, and where those begin whose names tell the format."""
    unpacked = packed = at = count = fields = 0
    told: dict[bytes, int] = {}
    while count <= MAX_ENTRIES and len(directory) >= at + _ENTRY.size:
        mark, here, there, name, extra, comment, begins = _ENTRY.unpack_from(directory, at)
        if mark != _ENTRY_MARK:
            break
        at += _ENTRY.size
        if directory[at : at + 1] in _INITIALS:
            called = directory[at : at + name]
            told[called if called in _TELLING else called[: called.find(b"/") + 1]] = begins
        if there == UNKNOWN_SIZE:
            there, looked_at = _zip64_size(directory[at + name : at + name + extra], _MAX_FIELDS - fields)
            fields += looked_at
            if fields >= _MAX_FIELDS:
                return UNKNOWN_SIZE, packed, told
        unpacked += there
        packed += 0 if here == UNKNOWN_SIZE else here
        at += name + extra + comment
        count += 1
    return unpacked, packed, told


def _zip64_size(extra: bytes, most: int) -> tuple[int, int]:
    """The true unpacked size, and how many fields were looked at: at most so many."""
    at = count = 0
    while count < most and len(extra) >= at + 4:
        kind, length = struct.unpack_from("<HH", extra, at)
        count += 1
        if kind == 1 and length >= 8 and len(extra) >= at + 12:
            return int.from_bytes(extra[at + 4 : at + 12], "little"), count
        at += 4 + length
    return UNKNOWN_SIZE, count


def _mimetype(file: Seekable, begins: int) -> str:
    """The type that the entry `mimetype` names, stored or packed, if it is a document's."""
    data = read_at(file, begins, 30 + 0xFFFF)
    if len(data) < 30:
        return ""
    method, name, extra = struct.unpack_from("<8xH16xHH", data)
    content = data[30 + name + extra :][:_MIMETYPE_BYTES]
    if method == zipfile.ZIP_DEFLATED:
        content = _inflate(content)
    found = _DOCUMENT.match(content)
    return found[0].decode() if found else ""


def _inflate(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, _MIMETYPE_BYTES)
    except zlib.error:
        return b""


def _format(telling: frozenset[bytes]) -> str:
    if _TYPES_PART in telling:
        return next((kind for folder, kind in OFFICE_FOLDERS.items() if folder in telling), ZIP)
    return next((kind for name, kind in _BY_NAME if name in telling), ZIP)


_BY_NAME = (
    (_ANDROID, "application/vnd.android.package-archive"),
    (_CONTAINER, "application/epub+zip"),
    (_HWPX, "application/hwp+zip"),
    (_MANIFEST, "application/java-archive"),
)
