"""Suspicion: what a file's name tries, and where its content betrays what name or client claim (ruling 12)."""

from dataclasses import dataclass
from typing import Protocol

from filewallball.files.inspection.bombs import Seekable, is_archive_bomb, is_image_bomb
from filewallball.files.inspection.media_type import EMPTY, OCTET_STREAM, Inspection
from filewallball.files.naming import deceptions

FLAG, QUARANTINE, REJECT = "flag", "quarantine", "reject"
_TEXT = "text"
_TAIL_BYTES = 4096
_SCRIPTS = (b"<?php", b"<script")
_RUN_OF_OFFICE = "application/vnd.openxmlformats-officedocument."

# Formats with an unmistakable beginning, by family: members of one family contain each other or begin alike.
_FAMILIES = {
    "image/jpeg": "jpeg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/tiff": "tiff",
    "image/avif": "iso",
    "image/heic": "iso",
    "video/mp4": "iso",
    "video/quicktime": "iso",
    "audio/mp4": "iso",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/java-archive": "zip",
    "application/vnd.android.package-archive": "zip",
    "application/epub+zip": "zip",
    "application/gzip": "gzip",
    "application/x-7z-compressed": "7z",
    "application/vnd.rar": "rar",
    "application/x-xz": "xz",
}
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/x-ms-bmp": "image/bmp",
    "image/heif": "image/heic",
    "audio/x-m4a": "audio/mp4",
    "application/x-pdf": "application/pdf",
    "application/x-zip-compressed": "application/zip",
    "application/x-gzip": "application/gzip",
    "application/x-rar-compressed": "application/vnd.rar",
    "application/x-rar": "application/vnd.rar",
}
_EXTENSIONS = {
    **dict.fromkeys(("jpg", "jpeg", "jpe"), "jpeg"),
    **dict.fromkeys(("tif", "tiff"), "tiff"),
    **dict.fromkeys(("mp4", "m4v", "m4a", "mov", "heic", "avif"), "iso"),
    **dict.fromkeys(("mkv", "webm"), "matroska"),
    **dict.fromkeys(("zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "jar", "apk"), "zip"),
    **dict.fromkeys(("gz", "tgz"), "gzip"),
    **{name: name for name in ("png", "gif", "webp", "bmp", "pdf", "7z", "rar", "xz")},
    **dict.fromkeys(
        ("txt", "csv", "tsv", "log", "md", "json", "xml", "html", "htm", "css", "ini", "rtf"), _TEXT
    ),
}
_IMAGES = ("jpeg", "png", "gif", "webp", "bmp", "tiff")


class Staged(Seekable, Protocol):
    """What is looked at: the staged bytes and their beginning."""

    head: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a file is suspicious: reasons from its name alone, and reasons from its content."""

    name: tuple[str, ...] = ()
    content: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.name or self.content)

    @property
    def reasons(self) -> list[str]:
        return [*self.name, *self.content]


def judge(staged: Staged, filename: str, seen: Inspection) -> Suspicion:
    """Look at a whole staged file under the name that was sent. Reads headers, never unpacks."""
    return Suspicion(deceptions(filename), tuple(_betrayals(staged, filename, seen)))


def _betrayals(staged: Staged, filename: str, seen: Inspection) -> list[str]:
    family = _family_of(seen.media_type)
    by_name, by_claim = _EXTENSIONS.get(_extension(filename), ""), _family_of(seen.claimed_type)
    found = []
    if seen.executable:
        if by_name or by_claim:
            found.append("disguised_executable")
    elif seen.media_type != EMPTY:
        if by_name and _contradicts(by_name, family):
            found.append("extension_contradicts_content")
        if by_claim and _contradicts(by_claim, family):
            found.append("claim_contradicts_content")
    if family in _IMAGES and _has_script(staged):
        found.append("script_in_image")
    if is_archive_bomb(staged, staged.size, family):
        found.append("archive_bomb")
    if is_image_bomb(staged, staged.head, seen.media_type):
        found.append("image_bomb")
    return found


def _has_script(staged: Staged) -> bool:
    """Whether a script stands at the beginning, in the metadata, or at the end, behind the picture."""
    staged.seek(max(0, staged.size - _TAIL_BYTES))
    edges = (staged.head + b" " + (staged.read(_TAIL_BYTES) or b"")).lower()
    return any(script in edges for script in _SCRIPTS)


def _contradicts(expected: str, family: str) -> bool:
    """Binary formats must begin as they do; text may be anything that no binary format is."""
    if expected == _TEXT:
        return family not in ("", _TEXT)
    return family != expected


def _family_of(media_type: str) -> str:
    media_type = _ALIASES.get(media_type, media_type)
    if media_type.startswith((_RUN_OF_OFFICE, "application/vnd.oasis.opendocument.")):
        return "zip"
    if media_type.startswith("text/"):
        return _TEXT
    return "" if media_type == OCTET_STREAM else _FAMILIES.get(media_type, "")


def _extension(filename: str) -> str:
    """The last extension, as a system that opens the file would see it."""
    return filename.rstrip(" .").rpartition(".")[2].lower() if "." in filename else ""
