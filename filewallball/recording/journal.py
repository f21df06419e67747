"""The journal's writing end: each operation is on disk before it does anything, and again when it has ended.

One `write()` to an O_APPEND descriptor a line; `segments` says what the lines are.
"""

import errno
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from filewallball.errors import AuditUnavailable
from filewallball.filesystem import make_durable_folder, sync_names
from filewallball.recording import ballast
from filewallball.recording.event import Event
from filewallball.recording.line_macs import LineMacs
from filewallball.recording.segments import abandoned, next_number, segment_path

SEGMENT_BYTES = 4 * 1024 * 1024
_MOST_LATE = 10_000
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_PAD = "-" * 1000  # as long as an operation's line: a short one may fit where none of those does
_FULL = (errno.ENOSPC, errno.EDQUOT)
_process = os.getpid()  # asked once a process, not once a line


class Journal:
    """One per process, which holds its slot's lock. Thread-safe."""

    def __init__(
        self,
        directory: Path,
        slot: Callable[[], int],
        macs: LineMacs,
        *,
        sync_each: bool,
        recovered: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._directory = directory
        self._slot = slot
        self._macs = macs
        self._sync_each = sync_each
        self._lock = threading.Lock()
        self._fd = -1
        self._pid = 0
        self._size = self._lines = 0
        self._segment_macs = macs.of_segment(directory)  # of none yet
        self._dirty = False
        self._spoiled = False
        """True if nothing may follow in this segment: its end is torn, or a sync of it failed."""
        self._late: deque[bytes] = deque(maxlen=_MOST_LATE)
        self.recovered = recovered
        """Told how many operations of dead processes were closed as aborted."""

    def prepare(self) -> None:
        """Create the directory and its ballast; raises OSError where that is impossible."""
        make_durable_folder(self._directory, 0o750)
        ballast.reserve(self._directory)

    def opened(self, event: Event) -> None:
        """An operation begins. Raises AuditUnavailable: then nothing may be done."""
        self._append({"k": "o", "e": event})

    def committed(self, event: Event) -> None:
        """The operation's change is committed, with its audit row."""
        self._append({"k": "c", "i": event.event_id}, is_terminal=True)

    def closed(self, event: Event) -> None:
        """The operation ended without a row of its own; the shipper brings it to the database."""
        self._append({"k": "x", "e": event}, is_terminal=True)

    def coalesced(self, event: Event, into: Event) -> None:
        """The operation is one more of those that `into` counts."""
        self._append({"k": "f", "i": event.event_id, "n": into.event_id})

    def probe(self) -> None:
        """Append a line that means nothing. Raises AuditUnavailable where an operation would be refused."""
        self._append({"k": "p", "pad": _PAD})

    def sync(self) -> None:
        """Bring what was written to the disk (once a second, from the worker's own thread). Raises OSError."""
        with self._lock:
            if not self._dirty or self._pid != _process:
                return
            self._dirty = False
            fd = os.dup(self._fd)
        try:
            os.fdatasync(fd)
        except OSError:
            self._spoiled = True  # a failed sync is never tried again: go on in another file
            raise
        finally:
            os.close(fd)

    def close(self) -> None:
        """Let go of the segment; a later line starts another one."""
        with self._lock:
            if self._pid == _process:
                os.close(self._fd)
            self._pid, self._fd = 0, -1

    def _append(self, line: dict[str, Any], *, is_terminal: bool = False) -> None:
        """Write one line. What ends an operation is kept for the next chance where it cannot be written now."""
        data = _encoded(line)
        with self._lock:
            try:
                self._ready()
                while self._late:
                    self._write(self._late[0])
                    self._late.popleft()
                self._write(data)
            except OSError as error:
                if is_terminal:
                    self._late.append(data)
                raise AuditUnavailable(facts={"reason": os.strerror(error.errno or 0)}) from error

    def _ready(self) -> None:
        if self._pid != _process:
            self._start()
        elif self._spoiled or self._size >= SEGMENT_BYTES:
            self._rotate()

    def _start(self) -> None:
        """First write of this process: win a slot, then close what earlier boots of it left open."""
        folder = self._folder()
        make_durable_folder(folder, 0o750)
        if self._pid:  # forked: the descriptor and the late lines are the parent's
            os.close(self._fd)
            self._late.clear()
        self._pid, self._fd = 0, -1
        number, self._fd = self._open_segment(folder)
        self._begin(segment_path(folder, number))
        try:
            left_open = list(abandoned(folder, number, self._macs))
            for event in left_open:
                self._write(_encoded({"k": "x", "e": event}))
        except BaseException:
            os.close(self._fd)
            self._fd = -1
            if not self._size:
                segment_path(folder, number).unlink()
            raise
        self._pid = _process
        self.recovered(len(left_open))

    def _rotate(self) -> None:
        """Go on in a new segment; where none can be made, in the old one unless it is spoiled."""
        folder = self._folder()
        try:
            number, fd = self._open_segment(folder)
        except OSError:
            if self._spoiled:
                raise
            return
        before, self._fd = self._fd, fd
        self._begin(segment_path(folder, number))
        try:
            os.fdatasync(before)
        finally:
            os.close(before)

    def _begin(self, path: Path) -> None:
        self._segment_macs = self._macs.of_segment(path)
        self._size, self._lines, self._spoiled = 0, 0, False

    def _open_segment(self, folder: Path) -> tuple[int, int]:
        number = next_number(folder)
        path = segment_path(folder, number)
        try:
            fd = os.open(path, _FLAGS, 0o640)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            ballast.release(self._directory)
            fd = os.open(path, _FLAGS, 0o640)
        sync_names(folder)
        return number, fd

    def _write(self, body: bytes) -> None:
        """Write a line, signed as the segment's next one: one that waited may come to lie in a later segment."""
        data = self._segment_macs.sign(body, self._lines + 1)
        try:
            self._write_once(data)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            ballast.release(self._directory)
            self._write_once(data)
        self._size += len(data)
        self._lines += 1
        self._dirty = True
        if self._sync_each:
            self._spoiled = True
            os.fdatasync(self._fd)
            self._spoiled = False

    def _write_once(self, data: bytes) -> None:
        if os.write(self._fd, data) == len(data):
            return
        self._spoiled = True
        os.ftruncate(self._fd, self._size)
        self._spoiled = False
        raise OSError(errno.ENOSPC, "short write")

    def _folder(self) -> Path:
        return self._directory / f"slot-{self._slot()}"


def _encoded(line: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(line)
    except TypeError:  # a lone surrogate, which no sink can take
        event: Event = line["e"]
        for name in (
            "resource_id",
            "username",
            "user_agent",
            "request_id",
            "file_type",
            "details",
            "endpoint",
            "link_id",
            "trace_id",
        ):
            setattr(event, name, getattr(event, name).encode("utf-8", "replace").decode())
        return orjson.dumps(line)


def _after_fork() -> None:
    global _process
    _process = os.getpid()


os.register_at_fork(after_in_child=_after_fork)
