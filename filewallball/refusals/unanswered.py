"""Reads from nginx's log the requests that found the service away, and puts them on record once it is back.

The log holds only requests without an answer of the service's (see `ops/nginx.py`). A run records what the last run
saw, so that an operation that ended without its answer has had the time to be shipped; a request that is on record is
left out. Equal requests become one row with a count, each marked `source: nginx`.

The file `nginx-log.json` holds how far was read and how far the next run reads. What lies between is always cut into
the same pieces, each recorded in one transaction under ids made from its first lines: a run that was interrupted is
repeated without recording anything twice.
"""

import logging
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, select

from filewallball.addresses import UNKNOWN_CLIENT, normal_address
from filewallball.clock import parse_moment
from filewallball.database.connections import Database
from filewallball.filesystem import replace_file
from filewallball.ops.nginx_problems import as_error, is_own
from filewallball.recording.audit_rows import AuditWriter
from filewallball.recording.event import DENIED, Event
from filewallball.recording.operations import REFUSE, resource_type
from filewallball.recording.tables import audit_log

logger = logging.getLogger("filewallball.maintenance")
_NAMESPACE = uuid.UUID("5b4f9f38-93c5-4d0b-8d2c-5a1e2ad6f4f1")
_PIECE = 1024 * 1024
_LOOKUP = 500
_TRACE = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NO_OPERATION = ("/metrics", "/health", "/health/live", "/health/ready", "/health/detailed")


@dataclass(slots=True)
class _Position:
    """The file by its inode, how much of it is on record, and how much the next run reads."""

    inode: int = 0
    done: int = 0
    until: int = 0


class UnansweredLog:
    """One log of nginx's; one process of a host reads it at a time."""

    def __init__(
        self,
        path: Path,
        state: Path,
        database: Database,
        writer: AuditWriter,
        listeners: Sequence[Callable[[Event], None]],
    ) -> None:
        self._path = path
        self._state = state
        self._database = database
        self._writer = writer
        self._listeners = listeners

    def run(self) -> None:
        """Record what the last run saw. Raises OSError where the log cannot be read, and database errors."""
        position = self._read_position()
        file = self._file(position.inode)
        if file is not None:
            while position.done < position.until and (piece := _whole_lines(file, position)):
                self._record(piece)
                position.done += len(piece)
                self._save(position)
        self._save(self._next(position, file))

    def _file(self, inode: int) -> Path | None:
        """The log with this inode, which may have been rotated away."""
        for path in (self._path, self._path.with_name(f"{self._path.name}.1")):
            if path.exists() and path.stat().st_ino == inode:
                return path
        return None

    def _next(self, position: _Position, file: Path | None) -> _Position:
        """The place where the next run reads on: the rest of the same file, or the file that took its place."""
        size = file.stat().st_size if file is not None else 0
        # Of a file that was rotated away and grows no more, half a line at the end is nothing to wait for.
        if file is not None and (size > position.until or file == self._path):
            start = position.done if size >= position.done else 0  # less than was read: it was emptied
            return _Position(position.inode, start, size)
        if not self._path.exists():
            return _Position()
        found = self._path.stat()
        return _Position(found.st_ino, 0, found.st_size)

    def _record(self, piece: bytes) -> None:
        entries = list(_entries(piece))
        found = set(self._database.query(lambda connection: list(_on_record(connection, entries))))
        events = _coalesced(entry for entry in entries if entry["request_id"] not in found)
        if not events:
            return
        prepared = self._writer.prepare(map(vars, events))
        with self._database.begin() as connection:
            self._writer.send(connection, prepared)
        for event in events:
            for tell in self._listeners:
                tell(event)

    def _read_position(self) -> _Position:
        try:
            return _Position(**orjson.loads(self._state.read_bytes()))
        except FileNotFoundError:
            return _Position()
        except (ValueError, TypeError):
            logger.warning("nginx's log is read from its start: how far it was read is not known")
            return _Position()

    def _save(self, position: _Position) -> None:
        replace_file(self._state, orjson.dumps(asdict(position)), durable=True)


def _whole_lines(path: Path, position: _Position) -> bytes:
    """The next whole lines up to where this run reads; nothing where not one has ended."""
    with path.open("rb") as file:
        file.seek(position.done)
        data = file.read(min(_PIECE, position.until - position.done))
    return data[: data.rfind(b"\n") + 1]


def _entries(piece: bytes) -> Iterator[dict[str, Any]]:
    """The requests of a piece that may have been operations; lines that are none are told of and passed over."""
    strange = 0
    for line in piece.splitlines():
        try:
            entry = orjson.loads(line)
            entry["at_us"] = parse_moment(entry["timestamp"])
            wanted = is_own(entry["status_code"]) and entry["path"].rstrip("/") not in _NO_OPERATION
            texts = entry["request_id"], entry["client_ip"], entry["method"], entry["user_agent"]
            is_known = all(isinstance(text, str) for text in texts)
        except (ValueError, TypeError, KeyError, AttributeError):
            is_known = wanted = False
        strange += not is_known
        if is_known and wanted:
            yield entry
    if strange:
        logger.warning("Lines of nginx's log are not in its format", extra={"count": strange})


def _on_record(connection: Connection, entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The request ids of those that left a record of their own: not one that was made here."""
    columns = audit_log.c.request_id, audit_log.c.event_id
    for start in range(0, len(entries), _LOOKUP):
        names = [entry["request_id"] for entry in entries[start : start + _LOOKUP]]
        for request_id, event_id in connection.execute(select(*columns).where(columns[0].in_(names))):
            if event_id != _event_id(request_id):
                yield request_id


def _coalesced(entries: Iterable[dict[str, Any]]) -> list[Event]:
    """One event for all requests of one client that ended alike, as of the first of them."""
    found: dict[tuple[str, str], Event] = {}
    for entry in entries:
        code = as_error(entry["status_code"]).code
        address = normal_address(entry["client_ip"]) or UNKNOWN_CLIENT
        if (address, code) in found:
            found[address, code].count += 1
            found[address, code].trace_id = ""  # of many, none
        else:
            found[address, code] = _event(entry, address, code)
    return list(found.values())


def _event(entry: dict[str, Any], address: str, code: str) -> Event:
    event = Event(
        event_id=_event_id(entry["request_id"]),
        timestamp_us=entry["at_us"],
        action=REFUSE,
        resource_type=resource_type(REFUSE),
        status=DENIED,
        error_type=code,
        ip_address=address,
        user_agent=entry["user_agent"],
        request_id=entry["request_id"],
        trace_id=_trace(entry),
    )
    shown = {name: entry[name] for name in ("method", "path", "status_code")}
    event.set_details({"source": "nginx", **shown})
    return event


def _trace(entry: dict[str, Any]) -> str:
    """The trace of a request; none in lines of an earlier configuration."""
    trace_id = entry.get("trace_id")
    return trace_id if isinstance(trace_id, str) and _TRACE.fullmatch(trace_id) else ""


def _event_id(request_id: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, request_id))


def is_readable(path: Path) -> bool:
    """True if this process may read the log, or there is none yet."""
    return not path.exists() or (path.is_file() and os.access(path, os.R_OK))
