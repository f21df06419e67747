"""The folder that new blobs go into: one for all until it is full, so that it is there and synced before they come."""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from filewallball.filesystem import SharedSync
from filewallball.storage.folders import entries, make_folder, open_folder
from filewallball.storage.paths import NUMBERED

FULL = 5_000
"""Files in a folder at which the next one is begun."""
_BETWEEN_COUNTS = 500


@dataclass(slots=True)
class Filling:
    """The folder that a process publishes into."""

    name: str
    left: int
    """The files that this process may add before it counts again what is there."""
    sync: SharedSync = field(default_factory=SharedSync)


class FillingFolders:
    """Folders numbered from 1; the highest is filled.

    Processes and hosts need not agree: each publishes into the highest number that it saw when it last counted, so a
    folder gets at most `_BETWEEN_COUNTS` files more from each than FULL.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._filling: Filling | None = None

    def enter(self, path: str) -> tuple[Filling, int]:
        """The folder, and a descriptor of it for the caller to close; `path` is the root's. Raises OSError."""
        root = open_folder(path)
        try:
            filling = self._choose(root)
            try:
                return filling, open_folder(filling.name, root)
            except FileNotFoundError:  # somebody removed it
                self._forget(filling)
                filling = self._choose(root)
                return filling, open_folder(filling.name, root)
        finally:
            os.close(root)

    def _choose(self, root: int) -> Filling:
        with self._lock:
            if self._filling is None or not self._filling.left:
                self._filling = self._counted(root)
            self._filling.left -= 1
            return self._filling

    def _forget(self, filling: Filling) -> None:
        with self._lock:
            if self._filling is filling:
                self._filling = None

    def _counted(self, root: int) -> Filling:
        """The folder to fill from now on, whose name is on the disk."""
        number = max(map(int, entries(self._root, NUMBERED)), default=0)
        count = _count(self._root / _name(number)) if number else FULL
        if count >= FULL:
            number, count = number + 1, 0
            make_folder(_name(number), root)
        if self._filling is not None and self._filling.name == _name(number):
            self._filling.left = min(_BETWEEN_COUNTS, FULL - count)
            return self._filling
        os.fsync(root)  # always: another process may have made it a moment ago and not have synced it yet
        return Filling(_name(number), min(_BETWEEN_COUNTS, FULL - count))


def _count(folder: Path) -> int:
    with os.scandir(folder) as found:
        return sum(1 for _ in found)


def _name(number: int) -> str:
    return f"{number:08}"
