"""The scan policy: what is scanned before it is kept, what may be served, and what is scanned later."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select, update

from filewallball import errors
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.files.clamd import Clamd, ScannerFailed
from filewallball.files.tables import LIVE, blobs, files
from filewallball.recording.operations import Operation
from filewallball.recording.steps import SCAN
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore
from filewallball.storage.pieces import Readable
from filewallball.storage.stage import Stage

OFF, OPTIONAL, REQUIRED = "off", "optional", "required"
NEVER, CLEAN, INFECTED, PENDING, SKIPPED = "", "clean", "infected", "pending", "skipped"
_LIMITS_EXCEEDED = "Heuristics.Limits.Exceeded"
_PAUSE_AFTER_FAILURE_SECONDS = 5.0
_LONGEST_QUEUE_SECONDS = 2.0
_PROBE_SECONDS = 1.0
_BATCH = 50
logger = logging.getLogger("filewallball.scanning")


@dataclass(frozen=True, slots=True)
class ScanResult:
    """CLEAN, INFECTED with the signature's name, SKIPPED (beyond limits) or PENDING (the scanner did not answer)."""

    state: str
    reason: str = ""


class Scanner:
    """Asks clamd, a bounded number of times at once, and not again for some seconds after it failed."""

    def __init__(self, settings: Settings) -> None:
        self.policy = settings.scan_policy
        self._max_bytes = settings.scan_max_size
        self._oldest_signatures = settings.scan_signature_max_age
        self._clamd = Clamd(settings.clamd_address, settings.scan_timeout.total_seconds())
        self._places = threading.BoundedSemaphore(max(1, settings.threads // 2))
        self._paused_until = 0.0

    def examine(self, file: Readable, size: int) -> ScanResult:
        """Scan a file from where it stands. Never raises for what the scanner does, but StorageFailed for a file that
        cannot be read."""
        if size > self._max_bytes:
            return ScanResult(SKIPPED, "larger than SCAN_MAX_SIZE")
        if time.monotonic() < self._paused_until or not self._places.acquire(timeout=_LONGEST_QUEUE_SECONDS):
            return ScanResult(PENDING, "the scanner is not available")
        try:
            reply = self._clamd.scan(file)
        except ScannerFailed as error:
            self._paused_until = time.monotonic() + _PAUSE_AFTER_FAILURE_SECONDS
            return ScanResult(PENDING, str(error))
        finally:
            self._places.release()
        if reply.refused or reply.found.startswith(_LIMITS_EXCEEDED):
            return ScanResult(SKIPPED, reply.refused or reply.found)
        return ScanResult(INFECTED, reply.found) if reply.found else ScanResult(CLEAN)

    def admit(self, op: Operation, stage: Stage) -> str:
        """Scan an upload as the policy demands; returns the scan state to keep.

        Raises InfectedFile, and where a scan is required ScannerUnavailable and NotScannable.
        """
        if self.policy == OFF:
            return NEVER
        stage.seek(0)
        with op.step(SCAN):
            result = self.examine(stage, stage.size)
        if result.state == INFECTED:
            op.note(suspicious=True)
            raise errors.InfectedFile(facts={"signature": result.reason})
        if result.state != CLEAN:
            op.note(details={"not_scanned": result.reason})
            if self.policy == REQUIRED:
                raise errors.NotScannable if result.state == SKIPPED else errors.ScannerUnavailable
        return result.state

    def check_servable(self, state: str) -> None:
        """Refuse bytes known to be infected and, where a scan is required, bytes not known to be clean.

        Raises InfectedFile and ScanPending.
        """
        if state == INFECTED:
            raise errors.InfectedFile
        if self.policy == REQUIRED and state != CLEAN:
            raise errors.ScanPending

    def probe(self) -> Mapping[str, Any]:
        """For health: does clamd answer, and how old are its signatures? Raises Unavailable."""
        try:
            made = self._clamd.signatures_from(_PROBE_SECONDS)
        except ScannerFailed as error:
            self._paused_until = time.monotonic() + _PAUSE_AFTER_FAILURE_SECONDS
            raise errors.Unavailable(f"clamd does not answer: {error}") from error
        self._paused_until = 0.0
        if made is None:
            return {"signature_age": None}
        age = datetime.now(UTC) - made
        problem = f"the signatures are {age.days} days old" if age > self._oldest_signatures else ""
        return {"problem": problem, "signature_age": f"{max(0, int(age.total_seconds()) // 3600)}h"}


class Rescan:
    """Scans what was kept without a scan: while clamd was away, or before there was a policy.

    A run begins behind the blob at which the scanner failed in the last one: no blob keeps others from being scanned.
    """

    def __init__(
        self,
        scanner: Scanner,
        database: Database,
        store: LocalStore,
        begin: Callable[[str, str], Operation],
        forget: Callable[[str], None] = lambda file_id: None,
    ) -> None:
        """`forget` bars a file from caches, which know it as not scanned."""
        self._forget = forget
        self._scanner = scanner
        self._database = database
        self._store = store
        self._begin = begin
        self._after = 0

    def run(self) -> int:
        """Scan until nothing is left or the scanner fails; returns how many blobs got a result."""
        if self._scanner.policy == OFF:
            return 0
        done = 0
        while rows := self._waiting():
            for row in rows:
                self._after = row.id
                if self._scan(row) == PENDING:
                    return done
                done += 1
        self._after = 0
        return done

    def _scan(self, row: Row[Any]) -> str:
        """Scan one blob and keep the result; returns its state."""
        try:
            with self._store.open(row.path) as file:
                result = self._scanner.examine(file, row.size)
        except errors.StorageFailed:
            result = ScanResult(SKIPPED, "the stored bytes cannot be read")
        if result.state != PENDING:
            self._keep(row.id, result)
        if result.state == INFECTED:
            self._report(row.id, result)
        return result.state

    def _keep(self, blob_id: int, result: ScanResult) -> None:
        found = update(blobs).where(blobs.c.id == blob_id)
        with self._database.begin() as connection:
            connection.execute(found.values(scan_state=result.state, scanned_us=now_us()))

    def _report(self, blob_id: int, result: ScanResult) -> None:
        for row in self._database.rows(
            select(files.c.file_id, files.c.filename, files.c.mime_type).where(
                files.c.blob_id == blob_id, files.c.state == LIVE
            )
        ):
            self._forget(row.file_id)
            logger.warning("infected file found", extra={"file_id": row.file_id, "signature": result.reason})
            try:
                with self._begin("file:scan", row.file_id) as op:
                    op.note(file_type=row.mime_type, details={"filename": row.filename})
                    raise errors.InfectedFile(facts={"signature": result.reason})
            except errors.InfectedFile:
                continue

    def _waiting(self) -> Sequence[Row[Any]]:
        return self._database.rows(
            select(blobs.c.id, blobs.c.path, blobs.c.size)
            .where(
                blobs.c.scan_state.in_((NEVER, PENDING)),
                blobs.c.live == 1,
                blobs.c.refs > 0,
                blobs.c.id > self._after,
            )
            .order_by(blobs.c.id)
            .limit(_BATCH)
        )
