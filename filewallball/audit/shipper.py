"""Brings ended events from every slot's journal to the audit table, once each, one pass at a time on a host."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from filewallball.audit.journal import Unfinished, lines, segments
from filewallball.audit.trail import Trail
from filewallball.clock import now_us
from filewallball.database import Database
from filewallball.event import Event

_BATCH = 500
_READ_BYTES = 1024 * 1024
_POLL_SECONDS = 0.01


@dataclass(slots=True)
class Backlog:
    """What is still waiting to be shipped after a pass."""

    events: int = 0
    oldest_us: int = 0


@dataclass(slots=True)
class _Position:
    """How far one slot was read, and in which segments its unfinished operations began."""

    segment: int = 0
    offset: int = 0
    began: dict[str, int] = field(default_factory=dict)


class Shipper:
    """Several may exist at once, in every worker: a lock file lets one pass run at a time."""

    def __init__(self, directory: Path, database: Database, trail: Trail) -> None:
        self._directory = directory
        self._database = database
        self._trail = trail

    def flush(self, seconds: float = 0.2) -> bool:
        """Ship what has ended by now, waiting at most about `seconds` for a pass that already runs (best effort)."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.ship():
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def ship(self) -> bool:
        """One pass over all slots; False if another process is at it. Raises database errors; nothing is lost."""
        with self._locked() as held:
            if not held:
                return False
            positions = self._load()
            try:
                for folder in slot_folders(self._directory):
                    self._ship_slot(folder, positions.setdefault(folder.name, _Position()))
            finally:
                self._save(positions)
        return True

    def backlog(self) -> Backlog:
        """How much waits in the journal: closed events not yet in the database, and the age of the oldest."""
        positions, waiting = self._load(), Backlog()
        for folder in slot_folders(self._directory):
            position = positions.get(folder.name, _Position())
            for data, _, _ in _unread(folder, position):
                for line in lines(data):
                    if line["k"] == "x":
                        waiting.events += 1
                        began = line["e"]["timestamp_us"]
                        waiting.oldest_us = min(waiting.oldest_us or began, began)
        return waiting

    def _ship_slot(self, folder: Path, position: _Position) -> None:
        for data, number, offset in _unread(folder, position):
            scan, ended = Unfinished(), []
            for line in lines(data):
                _track(position.began, line, number)
                event = scan.feed(line)
                if event is not None:
                    ended.append(event)
            for start in range(0, len(ended), _BATCH):
                self._insert(ended[start : start + _BATCH])
            position.segment, position.offset = number, offset
        _remove_shipped(folder, position)

    def _insert(self, events: list[Event]) -> None:
        with self._database.begin() as connection:
            self._trail.append_once(connection, events)

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        fd = os.open(self._directory / "ship.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
        finally:
            os.close(fd)

    def _load(self) -> dict[str, _Position]:
        try:
            data: dict[str, Any] = orjson.loads((self._directory / "shipped.json").read_bytes())
            return {name: _Position(**position) for name, position in data.items()}
        except (FileNotFoundError, ValueError, TypeError):
            return {}  # everything still there is read again; event_id drops what is on record

    def _save(self, positions: dict[str, _Position]) -> None:
        temporary = self._directory / "shipped.json.new"
        temporary.write_bytes(orjson.dumps(positions))
        temporary.replace(self._directory / "shipped.json")


def slot_folders(directory: Path) -> list[Path]:
    """The journal folder of each slot that ever wrote."""
    return sorted(path for path in directory.glob("slot-*") if path.is_dir())


def _unread(folder: Path, position: _Position) -> Iterator[tuple[bytes, int, int]]:
    """Whole lines not yet shipped: (data, segment, offset after it), oldest first, bounded pieces."""
    for number, path in segments(folder):
        if number < position.segment:
            continue
        offset = position.offset if number == position.segment else 0
        with path.open("rb") as file:
            file.seek(offset)
            while data := file.read(_READ_BYTES):
                whole = data.rfind(b"\n") + 1
                if not whole:
                    break
                offset += whole
                file.seek(offset)
                yield data[:whole], number, offset


def _track(began: dict[str, int], line: dict[str, Any], number: int) -> None:
    match line["k"]:
        case "o":
            began[line["e"]["event_id"]] = number
        case "x":
            began.pop(line["e"]["event_id"], None)
        case "c" | "f":
            began.pop(line["i"], None)


def _remove_shipped(folder: Path, position: _Position) -> None:
    """Unlink segments whose every operation has ended and is on record; the newest stays, it may be written to."""
    needed = min(position.began.values(), default=position.segment)
    for number, path in segments(folder)[:-1]:
        if number < min(needed, position.segment):
            path.unlink(missing_ok=True)


def oldest_age_seconds(backlog: Backlog) -> float:
    """Age of the oldest event that waits; 0 with an empty backlog."""
    return (now_us() - backlog.oldest_us) / 1e6 if backlog.oldest_us else 0.0
