"""The media type of a file, judged by content: first bytes, an archive's directory, and libmagic for all the rest."""

import ctypes
import os
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from filewallball.files.inspection.archives import Contents, read_contents
from filewallball.files.inspection.json_text import begins_json
from filewallball.files.inspection.labels import expects_pdf, mislabelling
from filewallball.files.inspection.signatures import (
    EMPTY,
    EXECUTABLE,
    OCTET_STREAM,
    PORTABLE_EXECUTABLE,
    ZIP,
    executable_type,
    far_header,
    is_iso_media,
    known_type,
)
from filewallball.files.inspection.staged import Staged, read_at

_LOOK_AT_BYTES = 1024  # more costs libmagic time on text and finds hardly anything new
_LOOK_AGAIN_BYTES = 64 * 1024  # disk images begin at 32 KiB
_ZIP_MARKS, _COMPOUND_MARK = (b"PK\x03\x04", b"PK\x05\x06"), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF, _PDF_MARK, _PDF_BEGINS_WITHIN = "application/pdf", b"%PDF-", 1024
_PADDING = b" \t\r\n\0\xef\xbb\xbf"  # what may stand before a document that nobody says is one
_PLAIN = "text/plain"
_DOS_EXECUTABLE = "application/x-dosexec"
_CSV, _JSON, _ISO_MEDIA = "text/csv", "application/json", "application/mp4"
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,99}")

_cookies = threading.local()


@dataclass(frozen=True, slots=True)
class Inspection:
    """The detected type, the claimed one (empty if none or malformed), and whether it is a program."""

    media_type: str
    claimed_type: str
    executable: bool
    contents: Contents | None = field(default=None, compare=False, repr=False)
    """The contents that a ZIP archive declares."""


def inspect(head: bytes, claimed: str | None, filename: str, staged: Staged | None = None) -> Inspection:
    """Judge a file by its first bytes (4 KiB), and by what else of it says more. Safe in any thread.

    An empty file is `application/x-empty`; bytes of no known format are `application/octet-stream`.
    """
    claimed_type = _normalise(claimed)
    program = executable_type(head) or _far_program(head, staged)
    if program:
        return Inspection(program, claimed_type, executable=True)
    media_type = _detect(head, staged, expects_pdf(filename, claimed_type))
    contents = read_contents(staged, staged.size) if staged is not None and head[:4] in _ZIP_MARKS else None
    if contents is not None and contents.media_type != ZIP:
        media_type = contents.media_type
    if media_type == OCTET_STREAM and staged is not None and mislabelling(filename, claimed_type, media_type):
        media_type = _ask_libmagic(read_at(staged, 0, _LOOK_AGAIN_BYTES))
    if media_type == _CSV and claimed_type != _CSV and not filename.lower().endswith((".csv", ".tsv")):
        media_type = _PLAIN  # to libmagic, prose with as many commas in each line is a table
    return Inspection(media_type, claimed_type, False, contents)


def is_allowed(media_type: str, executable: bool, allowed: Iterable[str], blocked: Iterable[str]) -> bool:
    """True if such a file may be stored. Blocking wins over allowing; an empty `allowed` allows everything.

    A pattern is a media type or `type/*`; `application/x-executable` stands for programs of every kind.
    """
    if any(_fits(media_type, executable, pattern) for pattern in blocked):
        return False
    patterns = tuple(allowed)
    return not patterns or any(_fits(media_type, executable, pattern) for pattern in patterns)


def _far_program(head: bytes, staged: Staged | None) -> str:
    offset = far_header(head) if staged is not None else 0
    return PORTABLE_EXECUTABLE if offset and read_at(staged, offset, 4) == b"PE\0\0" else ""  # type: ignore[arg-type]


def _detect(head: bytes, staged: Staged | None, expects_pdf: bool) -> str:
    if not head:
        return EMPTY
    known = known_type(head)
    if known:
        return known
    if _is_pdf(head, expects_pdf):
        return _PDF
    if begins_json(head, whole=staged is None or staged.size <= len(head)):
        return _JSON
    if head.startswith(_COMPOUND_MARK) and staged is not None:
        return _ask_about_compound(staged)
    media_type = _ask_libmagic(head[:_LOOK_AT_BYTES])
    if media_type == _JSON:
        return _PLAIN  # to libmagic, `[1] a footnote` is JSON with something behind it
    return _ISO_MEDIA if media_type == OCTET_STREAM and is_iso_media(head) else media_type


def _is_pdf(head: bytes, expected: bool) -> bool:
    """Readers look for the mark in the first kilobyte: printers, web servers and mainframes put things before it."""
    at = head.find(_PDF_MARK, 0, _PDF_BEGINS_WITHIN + len(_PDF_MARK))
    return at >= 0 and (expected or not head[:at].strip(_PADDING))


def _ask_about_compound(staged: Staged) -> str:
    """Old office documents and encrypted new ones, told by a directory that stands anywhere in the file."""
    try:
        fd = staged.fileno()
        os.lseek(fd, 0, os.SEEK_SET)  # libmagic reads from where it stands; all bytes are written
        return _answer(_cookie().from_descriptor(fd))
    except (_magic().MagicException, OSError):
        return _ask_libmagic(staged.head)


def _ask_libmagic(head: bytes) -> str:
    try:
        answer = _cookie().from_buffer(head)
    except _magic().MagicException:
        return OCTET_STREAM
    if answer == _DOS_EXECUTABLE and not head.startswith(b"MZ"):
        return OCTET_STREAM  # its guess at COM files takes in one random file of a hundred
    return _answer(answer)


def _answer(answer: str) -> str:
    return _normalise(answer) or OCTET_STREAM


def _normalise(media_type: str | None) -> str:
    """Type and subtype in lower case, or nothing if that is not what it is."""
    bare = (media_type or "").partition(";")[0].strip().lower()
    return bare if _MEDIA_TYPE.fullmatch(bare) else ""


def _fits(media_type: str, executable: bool, pattern: str) -> bool:
    if pattern == EXECUTABLE and executable:
        return True
    if pattern.endswith("/*"):
        return media_type.startswith(pattern[:-1])
    return media_type == pattern


def _cookie() -> Any:
    """This thread's libmagic cookie: one serves one thread at a time, and costs 0.1 ms to make."""
    try:
        return _cookies.own
    except AttributeError:
        cookie = _magic().Magic(mime=True, magic_file=str(_bundled("magic.mgc")))
        # Of a file; buffers are looked at whole.
        cookie.setparam(_magic().MAGIC_PARAM_BYTES_MAX, _LOOK_AT_BYTES)
        _cookies.own = cookie
        return cookie


@cache
def _magic() -> Any:
    """python-magic on the bundled library.

    Loading that first, by its path, makes the binding's search by name find it. Importing `pylibmagic` would
    do the same, but patches ctypes and leaves library search paths that every child process inherits.
    """
    ctypes.CDLL(str(_bundled("libmagic.so.1")))
    import magic

    return magic


def _bundled(name: str) -> Path:
    spec = find_spec("pylibmagic")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("pylibmagic is not installed")
    return Path(spec.submodule_search_locations[0]) / name
