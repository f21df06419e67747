"""Merges every slot's counters and histograms into text, working only on what changed since the last scrape.

Equal to prometheus_client's MultiProcessCollector, which parses every key of every file at each scrape. Here
a key is parsed once; what stays is where its value lies in each file, and the text that stands before it.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from math import nan
from operator import add, itemgetter, ne
from pathlib import Path
from threading import Lock
from typing import Any

from filewallball.observability.metric_store.exemplars import Exemplars
from filewallball.observability.metric_store.metric_file import (
    HEADER_BYTES,
    Unreadable,
    entries,
    parse_key,
    used_bytes,
)
from filewallball.observability.metric_store.series import Block, Family

_ADDITIVE = ("counter", "histogram", "summary")
# Two rows that belong to nobody, so that `itemgetter` always has several cells to get.
_PADDING = (b"", b"\0")


class Collector:
    """One for each process that answers scrapes; remembers what it parsed. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tables = {kind: _Table(kind) for kind in _ADDITIVE}
        self._exemplars = Exemplars()

    def collect(
        self, paths: Iterable[Path], exemplars: Sequence[Path] | None = None
    ) -> tuple[list[tuple[Family, str]], list[Path]]:
        """The merged metrics with their sample lines, and the files left out because they cannot be read.

        With the files of exemplars the lines are those of OpenMetrics.
        """
        by_kind: dict[str, list[Path]] = {kind: [] for kind in _ADDITIVE}
        for path in additive(paths):
            by_kind[_kind(path)].append(path)
        unreadable = list[Path]()
        with self._lock:
            if exemplars is not None:  # first, so that a count is never behind its exemplar
                unreadable += self._exemplars.update(exemplars)
            for kind, table in self._tables.items():
                unreadable += table.update(by_kind[kind])
            families = [family for table in self._tables.values() for family in table.families.values()]
            if exemplars is None:
                return [(family, family.lines) for family in families], unreadable
            self._exemplars.show(self._tables["histogram"].families)
            return [(family, family.lines_with_exemplars) for family in families], unreadable


class _Table:
    """All series of one kind of file: a row for each, a file's values as one vector of all rows."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._forget()

    def update(self, paths: list[Path]) -> list[Path]:
        """Bring everything up to date; returns the files that cannot be read."""
        try:
            unreadable = self._read(paths)
        except _Replaced:
            self._forget()
            unreadable = self._read(paths)
        self._render()
        return unreadable

    def _forget(self) -> None:
        self.families: dict[str, Family] = {}
        self._files: dict[str, _File] = {}
        self._rows = {key: row for row, key in enumerate(_PADDING)}
        self._places: list[tuple[Family, Block]] = [(Family("", "", ""), Block()) for _ in _PADDING]
        self._totals = [0.0 for _ in _PADDING]

    def _read(self, paths: list[Path]) -> list[Path]:
        """Read every file's values. Raises _Replaced if one that was read before is no longer what it was."""
        found, unreadable = dict[str, _File](), list[Path]()
        for path in paths:
            try:
                file = self._files.get(path.name) or _File()
                self._place(path, file)
                found[path.name] = file
            except (Unreadable, OSError):
                unreadable.append(path)
        if self._files.keys() - found.keys():
            raise _Replaced
        self._files = found
        return unreadable

    def _place(self, path: Path, file: "_File") -> None:
        """Read a file and give its new series their rows, all or none."""
        fresh = file.read(path)
        for key, parsed in {key: parse_key(key) for key, _ in fresh if key not in self._rows}.items():
            self._add_row(key, *parsed)
        for key, index in fresh:
            file.place(self._rows[key], index)

    def _add_row(self, key: bytes, metric: str, sample: str, labels: dict[str, str], about: str) -> None:
        if metric not in self.families:
            self.families[metric] = Family(metric, self._kind, about)
        family = self.families[metric]
        row = self._rows[key] = len(self._places)
        self._places.append((family, family.add(sample, labels, row)))

    def _render(self) -> None:
        """Add the files up and write again the lines whose values moved."""
        count = len(self._places)
        totals = [0.0] * count
        for file in self._files.values():
            totals = list(map(add, totals, file.values(count)))
        before = self._totals + [nan] * (count - len(self._totals))
        moved = {}
        for row in compress(range(count), map(ne, totals, before)):
            family, block = self._places[row]
            family.moved()
            moved[id(block)] = block
        for block in moved.values():
            block.render(totals)
        self._totals = totals


class _Replaced(Exception):
    """A file is gone, shorter or another one: rows that only it had must go."""


class _File:
    """One metric file: the place of each row's value in it, and the values as they were last read."""

    def __init__(self) -> None:
        self._inode = 0
        self._used = HEADER_BYTES
        self._indices: list[int] = [0 for _ in _PADDING]
        self._get: Callable[[Any], tuple[float, ...]] | None = None
        self._cells = memoryview(bytearray(HEADER_BYTES)).cast("d")

    def read(self, path: Path) -> list[tuple[bytes, int]]:
        """Read all values; returns the entries that were not there last time. Raises Unreadable, OSError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            used = used_bytes(os.pread(descriptor, HEADER_BYTES, 0), status.st_size)
            if self._inode and (self._inode != status.st_ino or used < self._used):
                raise _Replaced
            data = bytearray(used)
            if os.preadv(descriptor, [data], 0) != used:
                raise Unreadable("the file was cut while it was read")
        finally:
            os.close(descriptor)
        fresh = list(entries(data, self._used, used))
        data[:HEADER_BYTES] = bytes(HEADER_BYTES)  # stands for every row that this file does not have
        self._cells = memoryview(data).cast("d")
        self._inode, self._used = status.st_ino, used
        return fresh

    def place(self, row: int, index: int) -> None:
        """Remember that the value of `row` is at `index`."""
        missing = row + 1 - len(self._indices)
        if missing > 0:
            self._indices += [0] * missing
        self._indices[row] = index
        self._get = None

    def values(self, count: int) -> tuple[float, ...]:
        """The values of all rows, 0 where the file has none."""
        if self._get is None or len(self._indices) < count:
            self._indices += [0] * (count - len(self._indices))
            self._get = itemgetter(*self._indices)
        return self._get(self._cells)


def metric_files(directory: Path) -> list[Path]:
    """Whatever claims to be a metric file, foreign ones too."""
    try:
        return [path for path in directory.iterdir() if path.suffix == ".db"]
    except FileNotFoundError:
        return []


def exemplar_files(directory: Path) -> list[Path]:
    """The files of exemplars, one for each slot that has some."""
    return list(directory.glob("exemplars_*.bin"))


def additive(paths: Iterable[Path]) -> list[Path]:
    """The files whose values add up over slots."""
    return [path for path in paths if _kind(path) in _ADDITIVE]


def _kind(path: Path) -> str:
    return path.name.partition("_")[0]
