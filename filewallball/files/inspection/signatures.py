"""Formats that the first bytes settle exactly: cheaper than libmagic, and the only judge of executables."""

import re
from collections.abc import Callable

OCTET_STREAM = "application/octet-stream"
EMPTY = "application/x-empty"
EXECUTABLE = "application/x-executable"
MACH_O = "application/x-mach-binary"
PORTABLE_EXECUTABLE = "application/vnd.microsoft.portable-executable"
ZIP = "application/zip"

_ELF = b"\x7fELF"
_MACH_O_THIN = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_MACH_O_FAT = {b"\xca\xfe\xba\xbe": "big", b"\xca\xfe\xba\xbf": "big"}
_MACH_O_FAT |= {b"\xbe\xba\xfe\xca": "little", b"\xbf\xba\xfe\xca": "little"}
_OLDEST_JAVA = 45  # the same first four bytes, then a version where Mach-O has a count

_PREFIXES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF89a", "image/gif"),
    (b"GIF87a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x05\x06", ZIP),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"ID3\x02", "audio/mpeg"),
    (b"ID3\x03", "audio/mpeg"),
    (b"ID3\x04", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"L\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut"),
    (b"\x00asm\x01\x00\x00\x00", "application/wasm"),
)

_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {b"avif": "image/avif", b"avis": "image/avif", b"qt  ": "video/quicktime", b"M4A ": "audio/mp4"}
_BRANDS |= dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx"), "image/heic")
_BRANDS |= dict.fromkeys(
    (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V "), "video/mp4"
)
_BITMAP_HEADER_SIZES = {12, 40, 52, 56, 64, 108, 124}
_DOCUMENT = re.compile(rb"application/(?:epub\+zip|vnd\.oasis\.opendocument\.[a-z-]+)")
_OFFICE_FIRST = (b"[Content_Types].xml", b"_rels/.rels", b"docProps/")
OFFICE_FOLDERS = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def executable_type(head: bytes) -> str:
    """The media type of an ELF, Mach-O or PE program, or nothing.

    A PE header that lies beyond `head` is not seen; `far_header` says where it must be.
    """
    magic = head[:4]
    if magic == _ELF:
        return EXECUTABLE
    if magic in _MACH_O_THIN:
        return MACH_O
    if magic in _MACH_O_FAT:
        count = int.from_bytes(head[4:8], _MACH_O_FAT[magic])  # type: ignore[arg-type]
        return MACH_O if 0 < count < _OLDEST_JAVA else ""
    if magic[:2] == b"MZ" and len(head) >= 64:
        offset = int.from_bytes(head[60:64], "little")
        return PORTABLE_EXECUTABLE if head[offset : offset + 4] == b"PE\x00\x00" else ""
    return ""


def far_header(head: bytes) -> int:
    """The offset of a Windows program's PE header if it lies beyond `head`; 0 if there can be none."""
    offset = int.from_bytes(head[60:64], "little")
    return offset if head[:2] == b"MZ" and offset > len(head) - 4 else 0


def known_type(head: bytes) -> str:
    """The media type of a common format with an unmistakable beginning, or nothing."""
    for prefix, media_type in _PREFIXES:
        if head.startswith(prefix):
            return media_type
    for prefix, look_closer in _CONTAINERS:
        if head.startswith(prefix):
            return look_closer(head)
    return _iso_media(head) if head[4:8] == b"ftyp" else ""


def is_iso_media(head: bytes) -> bool:
    """True if it begins like MP4 and its relatives, of whatever brand."""
    return head[4:8] == b"ftyp" and 8 <= int.from_bytes(head[:4], "big") <= 4096


def _zip(head: bytes) -> str:
    """The type of a ZIP archive, or of a format based on it, by the archive's first entries."""
    name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    if name == b"mimetype":
        size = int.from_bytes(head[18:22], "little")
        content = head[38 : 38 + size]
        return content.decode() if _DOCUMENT.fullmatch(content) else ZIP
    if name.startswith(b"META-INF/") and b"META-INF/MANIFEST.MF" in head:
        return "application/java-archive"
    if name == b"AndroidManifest.xml":
        return "application/vnd.android.package-archive"
    if name.startswith(_OFFICE_FIRST):
        return next((media_type for folder, media_type in OFFICE_FOLDERS.items() if folder in head), ZIP)
    return ZIP


def _riff(head: bytes) -> str:
    return _RIFF.get(head[8:12], "")


def _bitmap(head: bytes) -> str:
    plausible = head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in _BITMAP_HEADER_SIZES
    return "image/bmp" if plausible else ""


def _bzip2(head: bytes) -> str:
    return "application/x-bzip2" if head[4:10] == b"1AY&SY" else ""


def _matroska(head: bytes) -> str:
    return "video/webm" if b"\x42\x82\x84webm" in head[:80] else "video/x-matroska"


def _iso_media(head: bytes) -> str:
    """MP4 and its kin name their brand first, then the ones they are compatible with."""
    size = int.from_bytes(head[:4], "big")
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(size, 128), 4))]
    return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), "")


_CONTAINERS: tuple[tuple[bytes, Callable[[bytes], str]], ...] = (
    (b"PK\x03\x04", _zip),
    (b"RIFF", _riff),
    (b"BM", _bitmap),
    (b"BZh", _bzip2),
    (b"\x1aE\xdf\xa3", _matroska),
)
