"""Derived images on disk: found by the content they come from, checked at every read, dropped at any time."""

import hashlib
import io
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filewallball.filesystem import replace_file
from filewallball.storage.folders import FOLDER_MODE
from filewallball.storage.stage import FILE_MODE

_KEY = re.compile(r"[0-9a-f]{64}")
_ENTRY = re.compile(r"([a-z0-9-]+)\.([0-9a-f]{64})\.([a-z]+)")
_FAILURE = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One cached file; `kind` is its suffix."""

    path: Path
    digest: str
    kind: str
    size: int

    def open(self) -> BinaryIO:
        """Open the cached file for reading, unbuffered. Raises OSError."""
        return io.FileIO(self.path, "rb")


class DiskCache:
    """Entries are `ab/cd/<sha256 of the source>/<variant>.<own sha256>.<kind>`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, source: str, variant: str) -> Entry | None:
        """The entry, if it is there and still what was put; a damaged one is dropped."""
        for path in self._entries(source):
            match = _ENTRY.fullmatch(path.name)
            if match is None or match[1] != variant:
                continue
            with suppress(OSError):
                data = path.read_bytes()
                if hashlib.sha256(data).hexdigest() == match[2]:
                    return Entry(path, match[2], match[3], len(data))
            _unlink(path)
        return None

    def put(self, source: str, variant: str, kind: str, data: bytes) -> Entry:
        """Keep `data`, replacing nothing: equal bytes have equal names. Raises OSError."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._folder(source) / f"{variant}.{digest}.{kind}"
        self._write(path, data)
        return Entry(path, digest, kind, len(data))

    def note_failure(self, source: str) -> None:
        """Remember that nothing can be derived from the source. Raises OSError."""
        self._write(self._folder(source) / _FAILURE, b"")

    def has_failed(self, source: str, within_seconds: float) -> bool:
        """True if `note_failure` was called a short time ago."""
        try:
            found = (self._folder(source) / _FAILURE).stat()
        except OSError:
            return False
        return 0 <= time.time() - found.st_mtime < within_seconds

    def sources(self) -> Iterator[str]:
        """The source of every entry."""
        for folder in self._root.glob("??/??/*"):
            if _KEY.fullmatch(folder.name):
                yield folder.name

    def drop(self, source: str) -> None:
        """Remove what was derived from the source, as far as that can be removed."""
        for path in self._entries(source):
            _unlink(path)
        with suppress(OSError):
            self._folder(source).rmdir()

    def trim(self, max_bytes: int) -> int:
        """Remove the oldest entries until the rest fits; returns how many went. What cannot be removed stays."""
        found = []
        for path in self._root.glob("??/??/*/*"):
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        excess, removed = sum(size for _, size, _ in found) - max_bytes, 0
        for _, size, path in sorted(found):
            if excess <= 0:
                break
            if _unlink(path):
                excess, removed = excess - size, removed + 1
        return removed

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        replace_file(path, data, durable=False, mode=FILE_MODE)

    def _entries(self, source: str) -> list[Path]:
        try:
            return list(self._folder(source).iterdir())
        except OSError:
            return []

    def _folder(self, source: str) -> Path:
        if not _KEY.fullmatch(source):
            raise ValueError(f"not a digest: {source!r}")
        return self._root / source[:2] / source[2:4] / source


def _unlink(path: Path) -> bool:
    """Remove a file; False for one that cannot be removed."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
