"""The scrub: reads every stored byte again, slowly, and says which are no longer those that were uploaded."""

import hashlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import Row, Select, func, or_, select, update

from filewallball import errors
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.files.tables import LIVE, blobs, files
from filewallball.recording.operations import Operation
from filewallball.storage.local import LocalStore

_PIECE_BYTES = 1024 * 1024
_BATCH = 100
_SLICE_SECONDS = 20.0
_MOST_AHEAD_US = 60_000_000
"""Other hosts may be ahead of this one by so much."""
logger = logging.getLogger("filewallball.scrub")


@dataclass(frozen=True, slots=True)
class Pace:
    """The speed of reading and its duration at a time; None sets no limit."""

    bytes_per_second: int | None = None
    seconds: float | None = None


class Scrub:
    """Harmless to run several times at once: it only reads, and marks by conditional updates."""

    def __init__(self, database: Database, store: LocalStore, begin: Callable[[str, str], Operation]) -> None:
        self._database = database
        self._store = store
        self._begin = begin

    def run(
        self,
        *,
        before_us: int,
        pace: Pace,
        progress: Callable[[int], object] = lambda size: None,
    ) -> tuple[int, int]:
        """Check blobs last verified before a moment, the longest unseen first; returns how many, and how many failed.

        Raises StoreNotMounted: nothing is taken for lost in a store that is not there.
        """
        began, read, checked, failed = time.monotonic(), 0, 0, 0
        while rows := self._database.rows(_due(before_us)):
            for row in rows:
                if pace.seconds is not None and time.monotonic() - began > pace.seconds:
                    return checked, failed
                reason = self._examine(row)
                failed += self._keep(row, reason)
                checked, read = checked + 1, read + row.size
                progress(row.size)
                if pace.bytes_per_second:
                    time.sleep(max(0.0, read / pace.bytes_per_second - (time.monotonic() - began)))
        return checked, failed

    def run_slice(self, interval_us: int, bytes_per_second: int) -> None:
        """Read the blobs that are due, for some seconds."""
        self._store.check_mounted()
        self.run(before_us=now_us() - interval_us, pace=Pace(bytes_per_second, _SLICE_SECONDS))

    def total_bytes(self) -> int:
        """The sum of the sizes of all blobs to read."""
        statement = select(func.coalesce(func.sum(blobs.c.size), 0)).where(
            blobs.c.live == 1, blobs.c.refs > 0
        )
        return int(self._database.scalar(statement))

    def probe(self) -> Mapping[str, Any]:
        """For health: how many blobs are damaged."""
        statement = select(func.count()).where(blobs.c.damaged_us > 0, blobs.c.live == 1, blobs.c.refs > 0)
        damaged = int(self._database.scalar(statement))
        return {"problem": f"{damaged} damaged" if damaged else "", "damaged_blobs": damaged}

    def _examine(self, row: Row[Any]) -> str:
        """The reason why the blob is not what it was; empty if it is."""
        try:
            with self._store.open(row.path) as file:
                return "" if _digest(file) == row.sha256 else "the content differs"
        except errors.StoreNotMounted:
            raise
        except (errors.StorageFailed, OSError):
            self._store.check_mounted()
            return "the bytes cannot be read"

    def _keep(self, row: Row[Any], reason: str) -> bool:
        now = now_us()
        found = update(blobs).where(
            blobs.c.id == row.id, blobs.c.path == row.path, blobs.c.live == 1, blobs.c.refs > 0
        )
        values = {"verified_us": now, "damaged_us": now if reason else None}
        with self._database.begin() as connection:
            still_there = connection.execute(found.values(**values)).rowcount == 1
        if reason and still_there:
            self._report(row, reason)
        return bool(reason) and still_there

    def _report(self, row: Row[Any], reason: str) -> None:
        logger.error("damaged content", extra={"sha256": row.sha256, "reason": reason})
        affected = select(files.c.file_id, files.c.filename, files.c.mime_type).where(
            files.c.blob_id == row.id, files.c.state == LIVE
        )
        for file in self._database.rows(affected):
            try:
                with self._begin("file:scrub", file.file_id) as op:
                    op.note(file_type=file.mime_type, file_size=row.size, details={"filename": file.filename})
                    raise errors.ContentDamaged(facts={"sha256": row.sha256, "reason": reason})
            except errors.ContentDamaged:
                continue


def _due(before_us: int) -> Select[Any]:
    return (
        select(blobs.c.id, blobs.c.sha256, blobs.c.path, blobs.c.size)
        .where(
            # One of the future was verified before the clock was set back, nobody knows how long ago.
            or_(blobs.c.verified_us < before_us, blobs.c.verified_us > now_us() + _MOST_AHEAD_US),
            blobs.c.live == 1,
            blobs.c.refs > 0,
        )
        .order_by(blobs.c.verified_us, blobs.c.id)
        .limit(_BATCH)
    )


def _digest(file: BinaryIO) -> str:
    """The SHA-256 of the bytes on the disk, not in memory: cached pages are dropped before and after."""
    digest = hashlib.sha256()
    _forget(file)
    while data := file.read(_PIECE_BYTES):
        digest.update(data)
    _forget(file)
    return digest.hexdigest()


def _forget(file: BinaryIO) -> None:
    with suppress(OSError):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
