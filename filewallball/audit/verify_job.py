"""Verifying as the service does it: on record, its result kept, once a day in the background."""

import logging
import time
from dataclasses import asdict

from filewallball import errors
from filewallball.audit.report import Standing, Verdict, load, save
from filewallball.audit.verifier import Progress, Span, Verifier
from filewallball.clock import now_us
from filewallball.recording.operations import Caller, operation
from filewallball.registry import Runtime

logger = logging.getLogger("filewallball.audit")


def verify_log(
    parts: Runtime,
    caller: Caller,
    span: Span | None = None,
    progress: Progress | None = None,
    readers: int = 2,
) -> Verdict:
    """Verify and keep the verdict; a log that is not intact ends the operation as failed, `audit_broken`.

    An intact range is not kept: it says nothing of the rest, which may have been found broken.
    """
    verdict = Verdict()
    try:
        with operation(parts.ledger, "audit:verify", caller) as op:
            verdict = verifier(parts, readers).verify(span, progress)
            if verdict.is_complete or not verdict.is_intact:
                save(parts.settings.data_dir / "audit-verified.json", verdict)
            op.note(details={"blocks": verdict.blocks, "rows": verdict.rows})
            if not verdict.is_intact:
                raise errors.AuditBroken(facts={"findings": [asdict(each) for each in verdict.findings]})
    except errors.AuditBroken:
        first = verdict.findings[0]
        logger.error("Audit log is broken", extra={"block": first.block, "problem": first.problem})
    return verdict


def standing(parts: Runtime) -> Standing | None:
    """The last verdict on this host."""
    return load(parts.settings.data_dir / "audit-verified.json")


def verifier(parts: Runtime, readers: int = 2) -> Verifier:
    """A verifier over the service's log, key and anchor."""
    return Verifier(parts.database, parts.seals, parts.settings.data_dir / "audit-head", readers)


def verify_when_due(parts: Runtime, caller: Caller) -> None:
    """Verify if the last time is long ago; half of the time it takes is left to requests."""
    if _is_due(parts):
        verify_log(parts, caller, progress=_Gently(), readers=1)


def _is_due(parts: Runtime) -> bool:
    last = standing(parts)
    if last is None or not last.verdict.is_complete:
        return True
    return now_us() - last.verdict.finished_us >= parts.settings.audit_verify_interval.total_seconds() * 1e6


class _Gently:
    """Rests after every run of blocks for as long as the run took."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        time.sleep(min(1.0, time.monotonic() - self._since))
        self._since = time.monotonic()
