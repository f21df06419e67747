"""Values of metrics, kept in the files of this process's slot, where the next owner finds them."""

import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from weakref import WeakSet

from filewallball.observability.metric_store.exemplar_file import Exemplar, ExemplarFile
from filewallball.observability.metric_store.metric_file import SlotFile, Unreadable, metric_key
from filewallball.observability.metric_store.slots import Slots

logger = logging.getLogger(__name__)
_UNKNOWN = -1  # the place of an exemplar that was not looked for yet


class SlotFiles:
    """The metric files of this process's slot; after a fork, `generation` changes and the files are new."""

    def __init__(self, directory: Path, slots: Slots) -> None:
        self.generation = 0
        self.set_aside = 0
        self.lock = Lock()
        self._directory = directory
        self._slots = slots
        self._files: dict[str, SlotFile] = {}
        self._exemplars: ExemplarFile | None = None
        slots.on_acquire(self._take_over)
        _all.add(self)

    def file(self, kind: str) -> SlotFile:
        """The file of a kind in this process's slot. Raises OSError."""
        number = self._slots.number()
        if kind not in self._files:
            self._files[kind] = SlotFile(self._directory / f"{kind}_{number}.db")
        return self._files[kind]

    def reserve(self, kind: str, keys: Iterable[str]) -> None:
        """Have series in the file of a kind, new ones at 0. Raises OSError."""
        with self.lock:
            self.file(kind).reserve(keys)

    def exemplars(self) -> ExemplarFile:
        """The exemplars of this process's slot; what a former owner left unreadable is set aside. Raises OSError."""
        if self._exemplars is None:
            path = self._directory / f"exemplars_{self._slots.number()}.bin"
            try:
                self._exemplars = ExemplarFile(path)
            except Unreadable:
                set_aside(path)
                self._exemplars = ExemplarFile(path)
        return self._exemplars

    def forked(self) -> None:
        """Let go of the files in a forked child: they are the parent's."""
        self.lock = Lock()
        self.generation += 1
        for file in self._files.values():
            file.close()
        if self._exemplars is not None:
            self._exemplars.close()
        self._files, self._exemplars = {}, None

    def _take_over(self, number: int) -> None:
        """Prepare a slot for its new owner: end the live gauges of the dead one and set its broken files aside."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o750)
            remove_live_gauges(self._directory, number)
            for path in sorted(self._directory.glob(f"*_{number}.db")):
                self._adopt(path)
        except OSError:  # whoever else needs the slot gets it all the same
            logger.exception("The metric files of a slot could not be taken over")

    def _adopt(self, path: Path) -> None:
        try:
            self._files[path.stem.rpartition("_")[0]] = SlotFile(path)
        except (Unreadable, PermissionError, IsADirectoryError):
            set_aside(path)
            self.set_aside += 1


class SlotValue:
    """One number of one series."""

    def __init__(
        self, files: SlotFiles, kind: str, metric: str, sample: str, labels: Mapping[str, str], about: str
    ) -> None:
        """The value of a series in the file of this kind, 0 unless it is there already. Raises OSError."""
        self._lock = files.lock
        self._files = files
        self._place: int | None = _UNKNOWN
        self._series = metric, sample, labels
        with self._lock:
            self._file = files.file(kind)
            self._index = self._file.index(metric_key(metric, sample, labels, about))
            self._value = self._file.cells[self._index]

    def inc(self, amount: float) -> None:
        with self._lock:
            self._value += amount
            self._file.cells[self._index] = self._value

    def set(self, value: float) -> None:
        with self._lock:
            self._value = value
            self._file.cells[self._index] = value

    def get(self) -> float:
        return self._value

    def keep(self, exemplar: Exemplar) -> None:
        """Put an exemplar in the place of the last one, if there is room. Raises OSError on a full disk."""
        with self._lock:
            exemplars = self._files.exemplars()
            if self._place == _UNKNOWN:
                self._place = exemplars.place(metric_key(*self._series, "").encode())
            if self._place is not None:
                exemplars.put(self._place, exemplar)


def remove_live_gauges(directory: Path, number: int) -> None:
    """A dead process has nothing in progress any more."""
    for path in directory.glob(f"gauge_live*_{number}.db"):
        path.unlink(missing_ok=True)


def set_aside(path: Path) -> None:
    """Keep an unreadable file for whoever wants to look, out of every scrape's way."""
    logger.error("A metric file is unreadable and was set aside", extra={"file": path.name})
    with suppress(OSError):
        path.replace(path.with_suffix(".bad"))


_all: WeakSet[SlotFiles] = WeakSet()


def _after_fork() -> None:
    for files in list(_all):
        files.forked()


os.register_at_fork(after_in_child=_after_fork)
