"""The files that Debian's and Python's packages put on this machine: honest ones, under their own names."""

import io
import os
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from operator import itemgetter
from pathlib import Path

from filewallball.storage.stage import HEAD_BYTES

ROOTS = (sys.prefix, "/usr/share", "/usr/lib", "/usr/bin", "/usr/sbin", "/usr/include", "/etc")


class RealFile(io.FileIO):
    """A file on disk, seen as a staged upload is."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.head = self.read(HEAD_BYTES)
        self.size = os.fstat(self.fileno()).st_size


def real_files(most: int | None = None) -> list[Path]:
    """Every readable file below `ROOTS`, in a fixed order that begins with one of each extension and root."""
    return _ranked()[:most]


@cache
def _ranked() -> list[Path]:
    seen: Counter[tuple[str, str]] = Counter()
    ranked = []
    for root in ROOTS:
        for path in _walk(root):
            kind = (root, path.suffix.lower())
            seen[kind] += 1
            ranked.append((seen[kind], path))
    return [path for _, path in sorted(ranked, key=itemgetter(0))]


def _walk(root: str) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if not path.is_symlink() and path.is_file() and os.access(path, os.R_OK):
                yield path
