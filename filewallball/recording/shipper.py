"""Brings ended events from every slot's journal to the audit table, once each, one pass at a time on a host."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.exc import DataError, DBAPIError, StatementError

from filewallball.database.connections import Database
from filewallball.errors import InternalError
from filewallball.errors.translation import translate
from filewallball.filesystem import replace_file, try_lock
from filewallball.recording.audit_rows import AuditWriter, Fields
from filewallball.recording.event import Event, fields_from_json
from filewallball.recording.event_ids import EventIds
from filewallball.recording.segments import lines, pieces, segments, slot_folders
from filewallball.recording.settlement import MARK, settle

_BATCH = 500
_WORTH_A_THREAD = 256 * 1024
_NO_EVENT = (ValueError, TypeError, AttributeError, OverflowError)
Batch = tuple[list[Fields], list[Any] | None]
_POLL_SECONDS = 0.01
_CLOSED = b'{"k":"x"'
_MOST_COUNTED_BYTES = 256 * 1024 * 1024
logger = logging.getLogger("filewallball.audit")


@dataclass(slots=True)
class Backlog:
    """The events that still wait to be shipped after a pass."""

    events: int = 0
    oldest_us: int = 0
    oldest_seconds: float = 0.0
    unsettled: int = 0
    """Those of them whose outcome is not known yet."""


@dataclass(slots=True)
class _Position:
    """The position up to which one slot was read, and the segments in which its unfinished operations began."""

    segment: int = 0
    offset: int = 0
    began: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Settling:
    """A piece on its way: called, it waits until that is in the database, and only then counts it as shipped."""

    wait: Callable[[], list[Event]]
    position: _Position
    segment: int
    offset: int

    def __call__(self) -> list[Event]:
        settled = self.wait()
        self.position.segment, self.position.offset = self.segment, self.offset
        return settled


def _nothing() -> list[Event]:
    """Wait for nothing."""
    return []


class Shipper:
    """Several may exist at once, in every worker: a lock file lets one pass run at a time."""

    def __init__(
        self,
        directory: Path,
        database: Database,
        writer: AuditWriter,
        ids: EventIds,
        tell: Callable[[Event], None] = lambda event: None,
    ) -> None:
        """`tell` is called with each operation whose outcome was unknown until it was shipped."""
        self._directory = directory
        self._database = database
        self._writer = writer
        self._ids = ids
        self._tell = tell

    def flush(self, seconds: float = 0.2) -> bool:
        """Ship what has ended by now, best effort: at most about `seconds`, and never a reason to fail."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if self.ship(deadline):
                    return True
            except Exception as error:
                code = translate(error).code
                logger.warning(
                    "Audit events could not be shipped ahead of a read",
                    extra={"error_type": code},
                    exc_info=code == InternalError.code,
                )
                return False
            time.sleep(_POLL_SECONDS)
        return False

    def ship(self, deadline: float = float("inf")) -> bool:
        """One pass over all slots, until `deadline`; False if another process is at it.

        Raises database errors, and OSError of a slot that cannot be read, once the others are shipped; nothing is lost.
        """
        with try_lock(self._directory / "ship.lock") as held:
            if not held:
                return False
            before = self._read_positions()
            positions = {name: _Position(**position) for name, position in before.items()}
            settled: list[Event] = []
            unreadable: OSError | None = None
            try:
                for folder in slot_folders(self._directory):
                    try:
                        position = positions.setdefault(folder.name, _Position())
                        self._ship_slot(folder, position, deadline, settled)
                    except OSError as error:  # the other slots are none the worse for it
                        unreadable = error
            finally:
                self._save(positions, before)
                for event in settled:  # where that was not saved, the next pass settles them again
                    self._tell(event)
            if unreadable is not None:
                raise unreadable
        return True

    def backlog(self) -> Backlog:
        """Count the closed events in the journal that are not yet in the database, and find the oldest one's time."""
        waiting, counted = Backlog(), 0
        positions = self._read_positions()
        for folder in slot_folders(self._directory):
            for data, _, _ in _unread(folder, _Position(**positions.get(folder.name, {}))):
                waiting.events += data.count(b"\n" + _CLOSED) + data.startswith(_CLOSED)
                waiting.unsettled += data.count(MARK)
                if (oldest := _first_closed(data)) is not None:
                    event_id, began = oldest
                    waiting.oldest_us = min(waiting.oldest_us or began, began)
                    waiting.oldest_seconds = max(waiting.oldest_seconds, self._ids.age_seconds(event_id))
                counted += len(data)
                if counted > _MOST_COUNTED_BYTES:
                    return waiting
        return waiting

    def waiting(self) -> dict[str, float]:
        """The backlog as health shows it."""
        backlog = self.backlog()
        return {
            "pending_events": backlog.events,
            "oldest_pending_seconds": round(backlog.oldest_seconds, 3),
        }

    def _ship_slot(self, folder: Path, position: _Position, deadline: float, settled: list[Event]) -> None:
        found = segments(folder)
        oldest = found[0][0] if found else 0
        # A segment goes only when all that began in it has ended: where it is gone, so is the need to wait for it.
        position.began = {name: number for name, number in position.began.items() if number >= oldest}
        with ThreadPoolExecutor(1, "audit-ship") as sender:
            sent: Callable[[], list[Event]] = _nothing
            for data, number, offset in _unread(folder, position):
                batches = self._batches(data, number, position)
                settled += sent()
                insert = partial(self._insert_all, batches)
                # Of much that waits, the next piece is prepared while the database works on this one.
                wait = sender.submit(insert).result if len(data) > _WORTH_A_THREAD else insert
                sent = _Settling(wait, position, number, offset)
                if time.monotonic() > deadline:
                    break
            settled += sent()
        _remove_shipped(folder, position)

    def _batches(self, data: bytes, number: int, position: _Position) -> list[Batch]:
        """The ended operations of a piece of journal, and what the database gets of them."""
        ended: list[Fields] = []
        for line in lines(data):
            _track(position.began, line, number)
            if line["k"] == "x":
                ended.append(fields_from_json(line["e"]))
        batches = (ended[start : start + _BATCH] for start in range(0, len(ended), _BATCH))
        return [(events, self._prepared(events)) for events in batches]

    def _prepared(self, events: list[Fields]) -> list[Any] | None:
        """None if one of them is no event that a database takes: then each goes alone."""
        try:
            return self._writer.prepare(events)
        except _NO_EVENT:
            return None

    def _insert_all(self, batches: list[Batch]) -> list[Event]:
        for events, prepared in batches:
            self._insert(events, prepared)
        return settle(self._database, (event for events, _ in batches for event in events))

    def _insert(self, events: list[Fields], prepared: list[Any] | None) -> None:
        """Insert events; one that no database takes is set aside, so that it never holds up the others."""
        try:
            if prepared is None:
                prepared = self._writer.prepare(events)
            with self._database.begin() as connection:
                self._writer.send(connection, prepared)
        except (DataError, StatementError, *_NO_EVENT) as error:
            if isinstance(error, DBAPIError) and not isinstance(error, DataError):
                raise
            if len(events) == 1:
                self._reject(events[0])
                return
            for event in events:
                self._insert([event], None)

    def _reject(self, event: Fields) -> None:
        logger.exception("An audit event cannot be stored; it is kept in rejected.jsonl")
        with (self._directory / "rejected.jsonl").open("ab") as file:
            file.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))

    def _read_positions(self) -> dict[str, dict[str, Any]]:
        try:
            data: dict[str, dict[str, Any]] = orjson.loads((self._directory / "shipped.json").read_bytes())
            for position in data.values():
                _Position(**position)
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            return {}  # everything still there is read again; event_id drops what is on record
        return data

    def _save(self, positions: dict[str, _Position], before: dict[str, dict[str, Any]]) -> None:
        data = orjson.dumps(positions)
        if data == orjson.dumps(before):
            return
        # Not durable: where it is lost everything is read again, and what is on record is dropped by its event_id.
        replace_file(self._directory / "shipped.json", data, durable=False)


def _unread(folder: Path, position: _Position) -> Iterator[tuple[bytes, int, int]]:
    """Whole lines not yet shipped: (data, segment, offset after it), oldest first, bounded pieces."""
    start = (position.segment, position.offset)
    for number, path in segments(folder):
        if number < start[0]:
            continue
        try:
            for data, offset in pieces(path, start[1] if number == start[0] else 0):
                yield data, number, offset
        except FileNotFoundError:
            continue  # shipped and removed since we looked


def _first_closed(data: bytes) -> tuple[str, int] | None:
    """The id and time of the first closed event in a piece of journal."""
    start = 0 if data.startswith(_CLOSED) else data.find(b"\n" + _CLOSED) + 1
    if start == 0 and not data.startswith(_CLOSED):
        return None
    for line in lines(data[start : data.find(b"\n", start) + 1]):
        moment = line["e"]["timestamp_us"]
        return line["e"]["event_id"], moment if isinstance(moment, int) else 0
    return None


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
