"""Verifying as the service does it: on record, its result kept, once a day in the background."""

import logging
import time
from dataclasses import asdict

from filewallball import errors
from filewallball.audit.report import LastVerification, Report, load, save
from filewallball.audit.seals import Seals
from filewallball.audit.verifier import Progress, Span, Verifier
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.recording.caller import Caller
from filewallball.recording.operations import Ledger, operation
from filewallball.settings.service import Settings

logger = logging.getLogger("filewallball.audit")


class Verification:
    """Verifies the service's own log and keeps the last result on this host."""

    def __init__(self, settings: Settings, database: Database, seals: Seals, ledger: Ledger) -> None:
        self._database = database
        self._seals = seals
        self._ledger = ledger
        self._anchor_path = settings.data_dir / "audit-head"
        self._result_path = settings.data_dir / "audit-verified.json"
        self._interval_us = settings.audit_verify_interval.total_seconds() * 1e6

    def run(
        self, caller: Caller, span: Span | None = None, progress: Progress | None = None, readers: int = 2
    ) -> Report:
        """Verify and keep the report; a log that is not intact ends the operation as failed, `audit_broken`.

        An intact range is not kept: it says nothing of the rest, which may have been found broken.
        """
        report = Report()
        try:
            with operation(self._ledger, "audit:verify", caller) as op:
                report = self.verifier(readers).verify(span, progress)
                if report.is_complete or not report.is_intact:
                    save(self._result_path, report)
                op.note(details={"blocks": report.blocks, "rows": report.rows})
                if not report.is_intact:
                    raise errors.AuditBroken(facts={"findings": [asdict(each) for each in report.findings]})
        except errors.AuditBroken:
            first = report.findings[0]
            logger.error("Audit log is broken", extra={"block": first.block, "problem": first.problem})
        return report

    def run_if_due(self, caller: Caller) -> None:
        """Verify if the last time is long ago; half of the time it takes is left to requests."""
        if self._is_due():
            self.run(caller, progress=_Gently(), readers=1)

    def last(self) -> LastVerification | None:
        """The last report on this host."""
        return load(self._result_path)

    def verifier(self, readers: int = 2) -> Verifier:
        """A verifier over the service's log, key and anchor."""
        return Verifier(self._database, self._seals, self._anchor_path, readers)

    def _is_due(self) -> bool:
        last = self.last()
        if last is None or not last.report.is_complete:
            return True
        # Of a verification in the future nobody knows how long ago it was: the clock was set back.
        return not 0 <= now_us() - last.report.finished_us < self._interval_us


class _Gently:
    """Rests after every run of blocks for as long as the run took."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        time.sleep(min(1.0, time.monotonic() - self._since))
        self._since = time.monotonic()
