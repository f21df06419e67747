"""What a file is, judged by its first bytes and nothing that the sender claims."""

import ctypes
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from filewallball.files.inspection.signatures import EXECUTABLE, executable_type, known_type

OCTET_STREAM = "application/octet-stream"
EMPTY = "application/x-empty"
_LOOK_AT_BYTES = 1024  # more costs libmagic time on text and finds hardly anything new
_DOS_EXECUTABLE = "application/x-dosexec"
_CSV = "text/csv"
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,99}")

_cookies = threading.local()


@dataclass(frozen=True, slots=True)
class Inspection:
    """The detected type, the claimed one (empty if none or malformed), and whether it is a program."""

    media_type: str
    claimed_type: str
    executable: bool


def inspect(head: bytes, claimed: str | None, filename: str) -> Inspection:
    """Judge a file by its first bytes (4 KiB show all there is to see). Safe in any thread.

    An empty file is `application/x-empty`; bytes of no known format are `application/octet-stream`.
    """
    claimed_type = _normalise(claimed)
    program = executable_type(head)
    if program:
        return Inspection(program, claimed_type, executable=True)
    media_type = _detect(head)
    if media_type == _CSV and claimed_type != _CSV and not filename.lower().endswith((".csv", ".tsv")):
        media_type = "text/plain"  # to libmagic, prose with as many commas in each line is a table
    return Inspection(media_type, claimed_type, executable=False)


def is_allowed(media_type: str, executable: bool, allowed: Iterable[str], blocked: Iterable[str]) -> bool:
    """May such a file be stored? Blocking wins over allowing; an empty `allowed` allows everything.

    A pattern is a media type or `type/*`; `application/x-executable` stands for programs of every kind.
    """
    if any(_fits(media_type, executable, pattern) for pattern in blocked):
        return False
    patterns = tuple(allowed)
    return not patterns or any(_fits(media_type, executable, pattern) for pattern in patterns)


def _detect(head: bytes) -> str:
    if not head:
        return EMPTY
    return known_type(head) or _ask_libmagic(head)


def _ask_libmagic(head: bytes) -> str:
    try:
        answer = _cookie().from_buffer(head[:_LOOK_AT_BYTES])
    except _magic().MagicException:
        return OCTET_STREAM
    if answer == _DOS_EXECUTABLE and not head.startswith(b"MZ"):
        return OCTET_STREAM  # its guess at COM files takes in one random file of a hundred
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
        _cookies.own = _magic().Magic(mime=True, magic_file=str(_bundled("magic.mgc")))
        return _cookies.own


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
