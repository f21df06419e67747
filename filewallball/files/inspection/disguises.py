"""Disguises: programs and scripts under a name or a claimed type that says they are something to look at."""

import re

from filewallball.files.inspection.archives import read_contents
from filewallball.files.inspection.labels import PROGRAM, SOURCES, TEXT, extension_of, family_of
from filewallball.files.inspection.media_type import Inspection
from filewallball.files.inspection.signatures import ZIP
from filewallball.files.inspection.staged import Staged, read_at

_OPAQUE = "opaque"
_LOOK_AT_BYTES = 64 * 1024
_TAIL_BYTES = 4096
_END_OF_ZIP = b"PK\x05\x06"
_SCRIPT = re.compile(rb"<(?:\?php|script)", re.IGNORECASE)
_SHEBANG = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,8}#![ \t]{0,8}/\w")
_ACTIVE = re.compile(rb"<script|<\?php|<\?=|javascript:|<[a-z][^<>]{0,500}?[\s\"'/]on[a-z]{3,20}\s{0,8}=")

# What people open to see, hear or unpack: nothing in it should run.
_MEDIA = (
    *("jpg", "jpeg", "jpe", "png", "gif", "webp", "bmp", "tif", "tiff", "ico", "heic", "heif", "avif", "psd"),
    *("mp3", "m4a", "aac", "wav", "flac", "ogg", "oga", "opus", "wma", "aif", "aiff", "mid", "midi"),
    *("mp4", "m4v", "mov", "avi", "mkv", "webm", "wmv", "flv", "3gp", "3g2", "mpg", "mpeg", "ogv"),
)
_OLD_OFFICE = ("doc", "xls", "ppt")  # many systems export HTML under these names, and office programs open it
_DOCUMENTS = (
    *("pdf", "docx", "xlsx", "pptx", "docm", "xlsm", "pptm", "odt", "ods", "odp", "odg", "epub"),
    *("hwp", "hwpx"),
    *_OLD_OFFICE,
)
_ARCHIVES = ("zip", "7z", "rar", "gz", "tgz", "bz2", "tbz", "xz", "txz", "zst", "tar", "lzma")
_TEXTS = (
    *("txt", "csv", "tsv", "log", "md", "json", "xml", "html", "htm", "css", "ini", "rtf", "svg"),
    *("yml", "yaml"),
)
_PACKAGES = ("jar", "apk")
"""Programs for a machine of their own; a jar may begin with the script that starts it."""
_BY_NAME = dict.fromkeys((*_MEDIA, *_DOCUMENTS, *_ARCHIVES), _OPAQUE) | dict.fromkeys(
    (*_TEXTS, *_PACKAGES), TEXT
)
# Types that are claimed for what is no media at all: TypeScript and kernel modules share their extensions with video
# and music, SVG images are text.
_NO_MEDIA = ("video/mp2t", "video/vnd.dlna.mpeg-tts", "audio/x-mod", "audio/mod", "image/svg+xml")

_SCRIPT_TYPES = {
    *("text/x-shellscript", "text/x-msdos-batch", "text/x-php", "text/x-perl", "text/x-ruby", "text/x-awk"),
    *("text/x-python", "text/x-script.python", "text/x-lua", "text/x-tcl", "text/javascript"),
    *("application/javascript", "application/x-javascript"),
}
_PACKAGE_TYPES = {
    *("application/java-archive", "application/x-java-archive", "application/vnd.android.package-archive"),
}
_RUNNABLE = {
    *("application/x-ms-shortcut", "application/x-java-applet", "application/x-dosexec", "application/x-dex"),
    *("application/x-msi", "application/vnd.ms-msi"),
    *_PACKAGE_TYPES,
}
_MARKUP = ("text/", "image/svg+xml", "application/xhtml+xml", "application/xml")
_IMAGE_FAMILIES = ("jpeg", "png", "gif", "webp", "bmp", "tiff")


def disguises(staged: Staged, filename: str, seen: Inspection) -> list[str]:
    """The reasons why a file is dangerous: a program or script that is labelled as, or hidden in, something else."""
    extension = extension_of(filename)
    poses = {_BY_NAME.get(extension, ""), _claims(seen.claimed_type)} - {"", PROGRAM}
    family = family_of(seen.media_type)
    if seen.executable:
        return ["disguised_executable"] if poses else []
    if family in _IMAGE_FAMILIES:
        return _hidden_in_image(staged)
    if _OPAQUE not in poses:
        return []
    if seen.media_type in _RUNNABLE and not _is_package(extension, seen.claimed_type):
        return ["disguised_executable"]
    return ["disguised_script"] if _is_script(staged, extension, seen.media_type) else []


def _hidden_in_image(staged: Staged) -> list[str]:
    """Scripts at the beginning, in the metadata, or at the end, behind the picture; a Java or Android program there."""
    tail = read_at(staged, max(0, staged.size - _TAIL_BYTES), _TAIL_BYTES)
    found = ["script_in_image"] if _SCRIPT.search(staged.head) or _SCRIPT.search(tail) else []
    if _END_OF_ZIP in tail:
        contents = read_contents(staged, staged.size)
        if contents is not None and contents.is_program:
            found.append("program_in_image")
    return found


def _is_script(staged: Staged, extension: str, media_type: str) -> bool:
    if _SHEBANG.match(staged.head) or media_type in _SCRIPT_TYPES:
        return True
    if media_type == "application/pdf":
        before = staged.head.partition(b"%PDF-")[0]
        return bool(_ACTIVE.search(before.lower()))
    if not media_type.startswith(_MARKUP) or extension in _OLD_OFFICE:
        return False
    start = read_at(staged, 0, _LOOK_AT_BYTES)
    return bool(_ACTIVE.search(start.replace(b"\0", b"").lower()))  # without what UTF-16 puts between


def _claims(claimed_type: str) -> str:
    """The family of content that the claimed type names; empty where it says nothing."""
    if claimed_type in _NO_MEDIA or claimed_type.startswith(SOURCES):
        return ""
    if claimed_type.startswith(("image/", "audio/", "video/")):
        return _OPAQUE
    if claimed_type in ("application/json", "application/xml"):
        return TEXT
    if claimed_type in _PACKAGE_TYPES:
        return TEXT
    family = family_of(claimed_type)
    return family if family in ("", TEXT, PROGRAM) else _OPAQUE


def _is_package(extension: str, claimed_type: str) -> bool:
    """True if the label names an archive, a form in which Java and Android programs are sent."""
    if extension in _BY_NAME:
        return extension in (*_ARCHIVES, *_PACKAGES)
    return claimed_type in _PACKAGE_TYPES or claimed_type.endswith("zip-compressed") or claimed_type == ZIP
