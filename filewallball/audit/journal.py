"""The journal: one append-only file of JSON lines for each worker slot, written before and after every operation.

Lines: `o` an operation begins (the event so far), `c` its change was committed with its own audit row, `x` it ended
(the whole event, to be shipped), `f` it was folded into another operation's event, `p` a probe. A torn last line is
ignored.
"""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from filewallball.clock import now_us
from filewallball.errors import ABORTED, AuditUnavailable
from filewallball.event import FAILED, Event

SEGMENT_BYTES = 4 * 1024 * 1024
BALLAST_BYTES = 16 * 1024 * 1024
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


@dataclass(slots=True)
class Unfinished:
    """What a scan of lines leaves open: events without an end, and how many refusals each fold holds."""

    events: dict[str, Event] = field(default_factory=dict)
    folds: dict[str, int] = field(default_factory=dict)

    def feed(self, line: dict[str, Any]) -> Event | None:
        """Account for one line; returns the event that it closes, to be shipped."""
        match line["k"]:
            case "o":
                event = Event.from_json(line["e"])
                self.events[event.event_id] = event
            case "c":
                self.events.pop(line["i"], None)
            case "f":
                self.events.pop(line["i"], None)
                self.folds[line["n"]] = self.folds.get(line["n"], 0) + 1
            case "x":
                event = Event.from_json(line["e"])
                self.events.pop(event.event_id, None)
                self.folds.pop(event.event_id, None)
                return event
        return None


class Journal:
    """The writing end, one per process. Thread-safe; the process holds its slot's lock."""

    def __init__(self, directory: Path, slot: Callable[[], int], *, sync_each: bool) -> None:
        self._directory = directory
        self._slot = slot
        self._sync_each = sync_each
        self._lock = threading.Lock()
        self._fd = -1
        self._pid = 0
        self._size = 0
        self._dirty = False
        self._number = 0

    def prepare(self) -> None:
        """Create the directory and its ballast; raises OSError where that is impossible."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        reserve_ballast(self._directory)

    def opened(self, event: Event) -> None:
        """An operation begins. Raises AuditUnavailable: then nothing may be done."""
        self._append({"k": "o", "e": event})

    def committed(self, event: Event) -> None:
        """The operation's change is committed, with its audit row."""
        self._append({"k": "c", "i": event.event_id})

    def closed(self, event: Event) -> None:
        """The operation ended without a row of its own; the shipper brings it to the database."""
        self._append({"k": "x", "e": event})

    def folded(self, event: Event, into: Event) -> None:
        """The operation is one more of those that `into` counts."""
        self._append({"k": "f", "i": event.event_id, "n": into.event_id})

    def probe(self) -> None:
        """Append a line that means nothing. Raises AuditUnavailable where an operation would be refused."""
        self._append({"k": "p"})

    def sync(self) -> None:
        """Bring what was written to the disk (once a second, from the worker's own thread)."""
        with self._lock:
            if not self._dirty or self._pid != os.getpid():
                return
            self._dirty = False
            fd = os.dup(self._fd)
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Let go of the segment; a later line starts another one."""
        with self._lock:
            if self._pid == os.getpid():
                os.close(self._fd)
            self._pid, self._fd = 0, -1

    def _append(self, line: dict[str, Any]) -> None:
        data = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        try:
            with self._lock:
                self._ready()
                self._write(data)
        except OSError as error:
            raise AuditUnavailable(facts={"reason": os.strerror(error.errno or 0)}) from error

    def _ready(self) -> None:
        if self._pid != os.getpid():
            self._start()
        elif self._size >= SEGMENT_BYTES:
            self._rotate()

    def _start(self) -> None:
        """First write of this process: win a slot, then close what earlier boots of it left open."""
        folder = self._folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        self._pid, self._fd = os.getpid(), -1
        try:
            self._rotate()
            for event in abandoned(folder, before=self._number):
                self._write(orjson.dumps({"k": "x", "e": event}, option=orjson.OPT_APPEND_NEWLINE))
        except BaseException:
            self._pid = 0
            raise

    def _rotate(self) -> None:
        folder = self._folder()
        self._number = next_number(folder)
        fd = os.open(segment_path(folder, self._number), _FLAGS | os.O_EXCL, 0o640)
        if self._fd >= 0:
            os.fdatasync(self._fd)
            os.close(self._fd)
        self._fd, self._size = fd, 0

    def _write(self, data: bytes) -> None:
        try:
            written = self._write_once(data)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not release_ballast(self._directory):
                raise
            written = self._write_once(data)
        self._size += written
        self._dirty = True
        if self._sync_each:
            os.fdatasync(self._fd)

    def _write_once(self, data: bytes) -> int:
        written = os.write(self._fd, data)
        if written != len(data):
            os.ftruncate(self._fd, self._size)
            raise OSError(errno.ENOSPC, "short write")
        return written

    def _folder(self) -> Path:
        return self._directory / f"slot-{self._slot()}"


def abandoned(folder: Path, before: int) -> Iterator[Event]:
    """The terminal events of operations that a dead owner of this slot left open: `failed/aborted`, or a fold's sum."""
    unfinished = Unfinished()
    for number, path in segments(folder):
        if number < before:
            for line in lines(path.read_bytes()):
                unfinished.feed(line)
    for event in unfinished.events.values():
        if event.error_type:  # a fold: it was opened with its outcome
            event.count = unfinished.folds.get(event.event_id, 0)
            if event.count:
                yield event
        else:
            event.status, event.error_type, event.suspicious = FAILED, ABORTED, False
            event.duration_us = 0
            yield event


def recover(folder: Path) -> int:
    """Close what is open in a slot that nobody holds now (the caller holds its lock); returns how many."""
    number = next_number(folder)
    data = [orjson.dumps({"k": "x", "e": event}) for event in abandoned(folder, before=number)]
    if data:
        with segment_path(folder, number).open("xb") as file:
            file.write(b"\n".join(data) + b"\n")
            file.flush()
            os.fdatasync(file.fileno())
    return len(data)


def segments(folder: Path) -> list[tuple[int, Path]]:
    """The segment files of one slot, oldest first."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, _, suffix = entry.name.partition(".")
            if stem.isdigit() and suffix == "jsonl":
                found.append((int(stem), Path(entry.path)))
    return sorted(found)


def next_number(folder: Path) -> int:
    """A segment number above every earlier one, also above those that were shipped and removed: milliseconds."""
    return max([now_us() // 1000, *(number + 1 for number, _ in segments(folder))])


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:015d}.jsonl"


def lines(data: bytes) -> Iterator[dict[str, Any]]:
    """The whole, readable lines of a piece of journal; a torn one (no newline, no JSON) is passed over."""
    for raw in data.split(b"\n")[:-1]:
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        if isinstance(line, dict) and "k" in line:
            yield line


def reserve_ballast(directory: Path) -> None:
    """Keep some disk for the journal alone, to be let go when the disk is full."""
    fd = os.open(directory / "ballast", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.posix_fallocate(fd, 0, BALLAST_BYTES)
    finally:
        os.close(fd)


def release_ballast(directory: Path) -> bool:
    """Give the ballast to the journal; False where it was gone already."""
    try:
        (directory / "ballast").unlink()
    except OSError:
        return False
    return True
