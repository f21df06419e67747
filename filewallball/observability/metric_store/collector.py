"""Merges every slot's counters and histograms into text, working only on what changed since the last scrape.

Equal to prometheus_client's MultiProcessCollector, which parses every key of every file at each scrape. Here
a key is parsed once; what stays is where its value lies in each file, and the text that stands before it.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import chain, compress, count, pairwise, repeat
from math import nan
from operator import add, itemgetter, ne, not_
from pathlib import Path
from struct import Struct
from threading import Lock
from typing import Any, NamedTuple

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
_GROUP = 32
_FEW = 0.5  # the share of changes from which on it takes less time to look at everything


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
    """All series of one kind of file: a row for each, with its place in the text and its value over all files."""

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
        self._rows: dict[bytes, int] = {}
        self._blocks = list[Block]()  # of each row
        self._totals: list[float] = []
        self._added = list[_File]()
        self._buffer = bytearray()

    def _read(self, paths: list[Path]) -> list[Path]:
        """Read every file. Raises _Replaced if one that was read before is no longer what it was."""
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
        fresh = file.read(path, self._buffer)
        for key, parsed in {key: parse_key(key) for key, _ in fresh if key not in self._rows}.items():
            self._add_row(key, *parsed)
        for key, _ in fresh:
            file.place(self._rows[key])

    def _add_row(self, key: bytes, metric: str, sample: str, labels: dict[str, str], about: str) -> None:
        if metric not in self.families:
            self.families[metric] = Family(metric, self._kind, about)
        family = self.families[metric]
        row = self._rows[key] = len(self._blocks)
        self._blocks.append(family.add(sample, labels, row))

    def _render(self) -> None:
        """Add the files up and write again the lines whose values moved."""
        for block in dict.fromkeys(map(self._blocks.__getitem__, self._add_up())):
            block.render(self._totals)

    def _add_up(self) -> Iterable[int]:
        """Bring the totals up to date; returns the rows that are new or whose totals moved."""
        known, number = len(self._totals), len(self._blocks)
        self._totals += repeat(nan, number - known)
        files = list(self._files.values())
        is_same_order, self._added = files == self._added, files
        moved = [rows for rows in [file.moved() for file in files] if rows is not None]
        if not is_same_order or len(moved) < len(files) or number - known > number * _FEW:
            return self._add_up_all(number)
        rows = set(range(known, number)).union(*moved)
        for row in rows:
            self._totals[row] = reduce(add, [file.value(row) for file in files], 0.0)
        return rows

    def _add_up_all(self, number: int) -> Iterable[int]:
        before, self._totals = self._totals, [0.0] * number
        for file in self._added:
            self._totals = list(map(add, self._totals, file.values(number)))
        return compress(range(number), map(ne, self._totals, before))


class _Replaced(Exception):
    """A file is gone, shorter or another one: rows that only it had must go."""


class _Group(NamedTuple):
    """Entries of a file that follow each other: where their values are."""

    start: int
    size: int
    unpack: Callable[[bytearray, int], tuple[float, ...]]


class _File:
    """One metric file: the row of each entry, and the values as they were last read.

    It is read in groups of entries. Where the bytes of a group are still the same, no value in it is looked at.
    """

    def __init__(self) -> None:
        self._inode = 0
        self._used = HEADER_BYTES
        self._indices = list[int]()  # of the value of each entry among the doubles of the file
        self._rows = list[int]()  # of each entry
        self._entries = list[int]()  # of each row, numbered from 1; 0 where the file has none
        self._groups = list[_Group]()
        self._bytes = list[bytes]()  # of each group, as they were last read
        self._values = list[tuple[float, ...]]()
        self._changed: dict[int, tuple[float, ...]] = {}  # the values of groups that are not the same
        self._get: Callable[[Any], tuple[float, ...]] | None = None

    def read(self, path: Path, buffer: bytearray) -> list[tuple[bytes, int]]:
        """Read all values; returns the entries that were not there last time. Raises Unreadable, OSError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            used = used_bytes(os.pread(descriptor, HEADER_BYTES, 0), status.st_size)
            if self._inode and (self._inode != status.st_ino or used < self._used):
                raise _Replaced
            buffer += bytes(max(0, used - len(buffer)))
            if os.preadv(descriptor, [memoryview(buffer)[:used]], 0) != used:
                raise Unreadable("the file was cut while it was read")
        finally:
            os.close(descriptor)
        fresh = list(entries(buffer, self._used, used))
        if fresh:
            self._group([index for _, index in fresh])
        self._compare(buffer)
        self._inode, self._used = status.st_ino, used
        return fresh

    def place(self, row: int) -> None:
        """Remember the row of the next entry."""
        self._rows.append(row)
        self._entries += repeat(0, row + 1 - len(self._entries))
        self._entries[row] = len(self._rows)
        self._get = None

    def moved(self) -> list[int] | None:
        """Take over the values that were read; returns the rows of those that moved, None for too many to look for."""
        are_few = len(self._changed) <= len(self._groups) * _FEW
        moved = list[int]()
        for number, found in self._changed.items():
            if are_few:
                rows = self._rows[number * _GROUP : (number + 1) * _GROUP]
                moved += compress(rows, map(ne, found, self._values[number]))
            self._values[number] = found
        return moved if are_few else None

    def value(self, row: int) -> float:
        """The value of a row, 0 where the file has none."""
        entry = self._entries[row] if row < len(self._entries) else 0
        return self._values[(entry - 1) // _GROUP][(entry - 1) % _GROUP] if entry else 0.0

    def values(self, number: int) -> tuple[float, ...]:
        """The values of so many rows, and two zeros, so that there are always several to get."""
        if self._get is None or len(self._entries) < number:
            self._entries += repeat(0, number - len(self._entries))
            self._get = itemgetter(*self._entries, 0, 0)
        return self._get([0.0, *chain.from_iterable(self._values)])

    def _group(self, indices: list[int]) -> None:
        """Add entries by the indices of their values; the last group goes on."""
        first = len(self._indices) // _GROUP
        self._indices += indices
        del self._groups[first:], self._bytes[first:]
        for start in range(first * _GROUP, len(self._indices), _GROUP):
            self._groups.append(_group(self._indices[start : start + _GROUP]))
        self._values += repeat((), len(self._groups) - len(self._values))
        self._values[first:] = [
            (*values, *repeat(0.0, _GROUP - len(values))) for values in self._values[first:]
        ]

    def _compare(self, buffer: bytearray) -> None:
        """Find the groups that are no longer the same."""
        view = memoryview(buffer)
        starts = [group.start for group in self._groups]
        is_other = [*map(not_, map(buffer.startswith, self._bytes, starts))]
        new = len(starts) - len(self._bytes)
        is_other += repeat(True, new)
        self._bytes += repeat(b"", new)
        self._changed.clear()
        for number in compress(count(), is_other):
            start, size, unpack = self._groups[number]
            self._bytes[number] = bytes(view[start : start + size])
            self._changed[number] = unpack(buffer, start)


def _group(indices: list[int]) -> _Group:
    gaps = (8 * (following - index - 1) for index, following in pairwise(indices))
    cells = Struct("=d" + "".join(f"{gap}xd" for gap in gaps))
    return _Group(8 * indices[0], cells.size, cells.unpack_from)


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
