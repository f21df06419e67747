"""Brings ended events from every slot's journal to the audit table, once each, one pass at a time on a host."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.exc import DataError, DBAPIError, StatementError

from filewallball.database.connections import Database
from filewallball.errors import AuditBroken, InternalError
from filewallball.errors.translation import translate
from filewallball.filesystem import try_lock
from filewallball.recording.adoption import DONE, OTHER_KEY, Adoption
from filewallball.recording.audit_rows import AuditWriter, Fields
from filewallball.recording.event import Event, fields_from_json
from filewallball.recording.event_ids import EventIds
from filewallball.recording.line_macs import LineMacs, is_signed
from filewallball.recording.positions import Mark, Position, read_positions, save_positions
from filewallball.recording.rejects import UNSTORABLE, Rejects
from filewallball.recording.segments import Rejected, SegmentReader, pieces, segments, slot_folders
from filewallball.recording.settlement import MARK, settle

_BATCH = 500
_WORTH_A_THREAD = 256 * 1024
_NO_EVENT = (ValueError, TypeError, AttributeError, OverflowError)
Batch = tuple[list[Fields], list[Any] | None]
_POLL_SECONDS = 0.01
_ANY = b'{"k":"'
_CLOSED = b'{"k":"x"'
_OTHER_KEY = "The journal was written with another AUDIT_SEAL_KEY, or DATA_DIR/journal-macs was changed."
_REJECTED = "lines were rejected: look at DATA_DIR/journal/rejected.jsonl and move it away"
_UNSIGNED = "The journal holds lines of an earlier release: run filewallball prepare."
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


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some lines of a segment: the operations that ended in them, what is rejected, and the position behind them."""

    segment: Path
    batches: list[Batch]
    rejected: list[Rejected]
    mark: Mark


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
        macs: LineMacs,
        adoption: Adoption,
        rejects: Rejects,
        ids: EventIds,
        tell: Callable[[Event], None] = lambda event: None,
    ) -> None:
        """`tell` is called with each operation whose outcome was unknown until it was shipped."""
        self._directory = directory
        self._database = database
        self._writer = writer
        self._macs = macs
        self._adoption = adoption
        self._rejects = rejects
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

        Raises database errors, and OSError or AuditBroken of a slot that cannot be read, once the others are shipped;
        nothing is lost.
        """
        with try_lock(self._directory / "ship.lock") as held:
            if not held:
                return False
            state = self._adoption.state()
            if state == OTHER_KEY:
                raise AuditBroken(_OTHER_KEY)
            before = read_positions(self._directory, self._macs)
            positions = deepcopy(before)
            settled: list[Event] = []
            unreadable: OSError | AuditBroken | None = None
            try:
                for folder in slot_folders(self._directory):
                    position = positions.setdefault(folder.name, Position())
                    try:
                        self._ship_slot(folder, position, deadline, settled, is_adopted=state == DONE)
                    except (OSError, AuditBroken) as error:  # the other slots are none the worse for it
                        unreadable = error
            finally:
                save_positions(self._directory, self._macs, positions, before)
                for event in settled:  # where that was not saved, the next pass settles them again
                    self._tell(event)
            if unreadable is not None:
                raise unreadable
        return True

    def backlog(self) -> Backlog:
        """Count the closed events in the journal that are not yet in the database, and find the oldest one's time."""
        waiting, counted = Backlog(), 0
        positions = read_positions(self._directory, self._macs)
        for folder in slot_folders(self._directory):
            for data, _, _ in _unread(folder, positions.get(folder.name, Position())):
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

    def waiting(self) -> dict[str, Any]:
        """The backlog as health shows it."""
        backlog = self.backlog()
        return {
            "pending_events": backlog.events,
            "oldest_pending_seconds": round(backlog.oldest_seconds, 3),
            "problem": _REJECTED if self._rejects.size() else "",
        }

    def _ship_slot(
        self, folder: Path, position: Position, deadline: float, settled: list[Event], *, is_adopted: bool
    ) -> None:
        readers: dict[Path, SegmentReader] = {}
        is_whole = True
        with ThreadPoolExecutor(1, "audit-ship") as sender:
            sent: Callable[[], list[Event]] = _nothing
            for data, path, offset in _unread(folder, position):
                if path not in readers:
                    taken = position.mark(int(path.stem)).lines
                    readers[path] = SegmentReader(self._macs.of_segment(path), taken)
                piece = self._piece(data, path, offset, readers[path], position.began)
                settled += sent()
                if not is_adopted and any(_is_of_before(each.raw) for each in piece.rejected):
                    raise AuditBroken(_UNSIGNED)  # they wait: nothing that was acknowledged is dropped
                insert = partial(self._insert_all, piece)
                # Of much that waits, the next piece is prepared while the database works on this one.
                wait = sender.submit(insert).result if len(data) > _WORTH_A_THREAD else insert
                sent = partial(self._settle, wait, piece, position)
                if time.monotonic() > deadline:
                    is_whole = False
                    break
            settled += sent()
        if is_whole:
            _remove_shipped(folder, position)

    def _piece(
        self, data: bytes, path: Path, offset: int, reader: SegmentReader, began: dict[str, int]
    ) -> _Piece:
        """The ended operations of a piece of journal, and what the database gets of them."""
        ended: list[Fields] = []
        rejected: list[Rejected] = []
        number = int(path.stem)
        for line in reader.read(data, rejected):
            _track(began, line, number)
            if line["k"] == "x":
                ended.append(fields_from_json(line["e"]))
        groups = (ended[start : start + _BATCH] for start in range(0, len(ended), _BATCH))
        batches = [(events, self._prepared(events)) for events in groups]
        return _Piece(path, batches, rejected, Mark(offset, reader.taken))

    def _settle(self, wait: Callable[[], list[Event]], piece: _Piece, position: Position) -> list[Event]:
        """Wait until a piece is in the database, and only then count it as shipped."""
        settled = wait()
        self._rejects.keep(piece.segment, piece.rejected)
        position.marks[int(piece.segment.stem)] = piece.mark
        return settled

    def _prepared(self, events: list[Fields]) -> list[Any] | None:
        """None if one of them is no event that a database takes: then each goes alone."""
        try:
            return self._writer.prepare(events)
        except _NO_EVENT:
            return None

    def _insert_all(self, piece: _Piece) -> list[Event]:
        for events, prepared in piece.batches:
            self._insert(events, prepared, piece.rejected)
        return settle(self._database, (event for events, _ in piece.batches for event in events))

    def _insert(self, events: list[Fields], prepared: list[Any] | None, rejected: list[Rejected]) -> None:
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
                rejected.append(Rejected(UNSTORABLE, orjson.dumps(events[0])))
                return
            for event in events:
                self._insert([event], None, rejected)


def _unread(folder: Path, position: Position) -> Iterator[tuple[bytes, Path, int]]:
    """Whole lines not yet shipped: (data, segment, offset after it), oldest first, bounded pieces."""
    found = segments(folder)
    position.keep(found)
    for number, path in found:
        try:
            for data, offset in pieces(path, position.mark(number).offset):
                yield data, path, offset
        except FileNotFoundError:
            continue  # shipped and removed since we looked


def _is_of_before(raw: bytes) -> bool:
    """True for a line such as an earlier release wrote."""
    return raw.startswith(_ANY) and not is_signed(raw)


def _first_closed(data: bytes) -> tuple[str, int] | None:
    """The id and time of the first closed event in a piece of journal; None where no line of ours is first."""
    start = 0 if data.startswith(_CLOSED) else data.find(b"\n" + _CLOSED) + 1
    if start == 0 and not data.startswith(_CLOSED):
        return None
    try:
        event = orjson.loads(data[start : data.find(b"\n", start)])["e"]
        event_id, moment = event["event_id"], event["timestamp_us"]
    except (ValueError, KeyError, TypeError):
        return None
    return (event_id, moment) if type(event_id) is str and type(moment) is int else None


def _track(began: dict[str, int], line: dict[str, Any], number: int) -> None:
    match line["k"]:
        case "o":
            began[line["e"]["event_id"]] = number
        case "x":
            began.pop(line["e"]["event_id"], None)
        case "c" | "f":
            began.pop(line["i"], None)


def _remove_shipped(folder: Path, position: Position) -> None:
    """Unlink segments whose every operation has ended and is on record; the newest stays, it may be written to."""
    needed = min(position.began.values(), default=position.newest())
    for number, path in segments(folder):
        if number < min(needed, position.newest()):
            path.unlink(missing_ok=True)
