"""Labels: what a file's name and claimed type say that it is, and whether that is true. A wrong label is no danger."""

from functools import lru_cache

from filewallball.files.inspection.signatures import (
    EMPTY,
    EXECUTABLE,
    MACH_O,
    OCTET_STREAM,
    PORTABLE_EXECUTABLE,
)

TEXT, PROGRAM = "text", "program"
_ZIP, _OFFICE, _ENCRYPTED = "zip", "office", "encrypted"
SOURCES = ("text/x-", "text/vnd.", "text/prs.")
"""Types of text that a system claims by extensions which other files have as well."""
_RUN_OF_OFFICE = "application/vnd.openxmlformats-officedocument."

# Formats with an unmistakable beginning, by family: members of one family contain each other or begin alike.
_FAMILIES = {
    "image/jpeg": "jpeg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/tiff": "tiff",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "application/pdf": "pdf",
    "application/gzip": "gzip",
    "application/x-7z-compressed": "7z",
    "application/vnd.rar": "rar",
    "application/x-xz": "xz",
    "application/encrypted": _ENCRYPTED,
    **dict.fromkeys(
        (
            *("image/avif", "image/heic", "image/heic-sequence", "image/heif", "image/heif-sequence"),
            *(
                "image/x-canon-cr3",
                "video/mp4",
                "video/quicktime",
                "video/x-m4v",
                "video/3gpp",
                "video/3gpp2",
            ),
            *("audio/mp4", "audio/3gpp", "audio/3gpp2", "application/mp4"),
        ),
        "iso",
    ),
    **dict.fromkeys(
        ("application/zip", "application/java-archive", "application/vnd.android.package-archive"), _ZIP
    ),
    **dict.fromkeys((EXECUTABLE, MACH_O, PORTABLE_EXECUTABLE), PROGRAM),
}
_ALIASES = {
    **dict.fromkeys(("image/jpg", "image/pjpeg", "image/x-citrix-jpeg"), "image/jpeg"),
    **dict.fromkeys(("image/x-png", "image/x-citrix-png"), "image/png"),
    **dict.fromkeys(("image/x-ms-bmp", "image/x-bmp", "image/x-windows-bmp"), "image/bmp"),
    "audio/x-m4a": "audio/mp4",
    "application/x-pdf": "application/pdf",
    **dict.fromkeys(("application/x-zip-compressed", "application/x-zip"), "application/zip"),
    "application/x-java-archive": "application/java-archive",
    "application/x-gzip": "application/gzip",
    **dict.fromkeys(("application/x-rar-compressed", "application/x-rar"), "application/vnd.rar"),
}
_EXTENSIONS = {
    **dict.fromkeys(("jpg", "jpeg", "jpe"), "jpeg"),
    **dict.fromkeys(("tif", "tiff"), "tiff"),
    **dict.fromkeys(("mp4", "m4v", "m4a", "mov", "3gp", "3g2", "heic", "heif", "avif"), "iso"),
    **dict.fromkeys(("mkv", "webm"), "matroska"),
    **dict.fromkeys(("docx", "xlsx", "pptx", "docm", "xlsm", "pptm"), _OFFICE),
    **dict.fromkeys(("zip", "odt", "ods", "odp", "odg", "epub", "hwpx", "jar", "apk", "aar", "whl"), _ZIP),
    **dict.fromkeys(("gz", "tgz"), "gzip"),
    **{name: name for name in ("png", "gif", "webp", "bmp", "pdf", "7z", "rar", "xz")},
    **dict.fromkeys(
        ("txt", "csv", "tsv", "log", "md", "json", "xml", "html", "htm", "css", "ini", "rtf"), TEXT
    ),
}
# What else a label may hold without being wrong: a password turns an office document into another container.
_FITS = {_ZIP: (_ZIP, _OFFICE), _OFFICE: (_ZIP, _OFFICE, _ENCRYPTED), TEXT: ("", TEXT)}


def mislabelling(filename: str, claimed_type: str, media_type: str) -> dict[str, str]:
    """The name's extension and the claimed type beside the type found, where they differ; nothing for a true label.

    A name that is true vouches for the file whatever the claim: clients claim one type for all they send, or that
    of what is compressed.
    """
    if media_type == EMPTY:
        return {}
    extension = extension_of(filename)
    expected = _EXTENSIONS.get(extension) or _claimed_family(claimed_type)
    if not expected or _fits(expected, family_of(media_type)):
        return {}
    return {"extension": extension, "claimed": claimed_type, "detected": media_type}


@lru_cache(512)
def family_of(media_type: str) -> str:
    """The family of a media type, under any of its names; nothing for formats that are not told apart exactly."""
    media_type = _ALIASES.get(media_type, media_type)
    if media_type.startswith(_RUN_OF_OFFICE):
        return _OFFICE
    if media_type.endswith("+zip") or media_type.startswith("application/vnd.oasis.opendocument."):
        return _ZIP
    if media_type.startswith("text/"):
        return TEXT
    return "" if media_type == OCTET_STREAM else _FAMILIES.get(media_type, "")


def extension_of(filename: str) -> str:
    """The last extension, as a system that opens the file would see it."""
    return filename.rstrip(" .").rpartition(".")[2].lower() if "." in filename else ""


def expects_pdf(filename: str, claimed_type: str) -> bool:
    """True if the name or the claimed type says that it is a PDF document."""
    return extension_of(filename) == "pdf" or family_of(claimed_type) == "pdf"


def _claimed_family(claimed_type: str) -> str:
    if claimed_type.startswith(SOURCES):
        return ""
    family = family_of(claimed_type)
    return "" if family in (_ENCRYPTED, PROGRAM) else family


def _fits(expected: str, family: str) -> bool:
    """Binary formats must begin as they do; text may be anything that no binary format is."""
    return family in _FITS.get(expected, (expected,))
