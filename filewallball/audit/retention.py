"""Retention: prunes whole sealed blocks, oldest first, and leaves a keyed stub that verification starts from."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import OperationalError

from filewallball import errors
from filewallball.audit.block_reader import block_of, is_sound
from filewallball.audit.seals import Block, Seals
from filewallball.audit.totals import forget
from filewallball.audit.verifier import Span
from filewallball.audit.verify_job import Verification
from filewallball.clock import now_us, rfc3339
from filewallball.database.connections import Database
from filewallball.recording.caller import Caller
from filewallball.recording.operations import Ledger, Operation, operation
from filewallball.recording.tables import audit_blocks, audit_chain, audit_log
from filewallball.settings.service import Settings

_ROWS_AT_ONCE = 20_000
_BLOCKS_AT_ONCE = 1_000
_NOT_GRANTED = (1142, 1143)  # MariaDB's numbers for a table and a column
Progress = Callable[[int], object]
logger = logging.getLogger("filewallball.audit")


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The blocks that one step prunes: those after `pruned` up to and with `end`, sealed with `seal`."""

    pruned: int
    end: Block
    seal: str
    rows: int

    @property
    def last(self) -> int:
        return self.end.number


class Retention:
    """Prunes the service's own log."""

    def __init__(
        self, settings: Settings, database: Database, seals: Seals, ledger: Ledger, verification: Verification
    ) -> None:
        self._kept_us = round(settings.audit_retention.total_seconds() * 1e6)
        self._database = database
        self._seals = seals
        self._ledger = ledger
        self._verification = verification

    def prune_expired(
        self, caller: Caller, now: int | None = None, progress: Progress = lambda rows: None
    ) -> int:
        """Prune what AUDIT_RETENTION says; on MariaDB that may be left to another account, which is no error."""
        try:
            return self.prune(caller, (now_us() if now is None else now) - self._kept_us, progress)
        except errors.Unavailable as error:
            if not _is_not_granted(error.__cause__):
                raise
            logger.warning("Audit rows are due to be pruned by an account that may delete them")
            return 0

    def prune(self, caller: Caller, before_us: int, progress: Progress = lambda rows: None) -> int:
        """Prune every block whose rows are all older, each step on record; returns the number of rows, which
        `progress` is told after each step.

        Raises AuditBroken at a block that is not intact: what was tampered with stays as evidence; Unavailable where
        the database account may not delete.
        """
        total = 0
        while stretch := self._database.query(lambda connection: _next(connection, before_us)):
            report = self._verification.verifier().verify(Span(stretch.pruned + 1, stretch.last))
            with operation(self._ledger, "audit:prune", caller) as op:
                blocks = {"first_block": stretch.pruned + 1, "last_block": stretch.last}
                op.note(details={**blocks, "rows": stretch.rows, "before": rfc3339(before_us)})
                if not report.is_intact:
                    raise errors.AuditBroken(facts={"findings": [asdict(each) for each in report.findings]})
                self._remove(op, stretch)
            total += stretch.rows
            progress(total)
        return total

    def _remove(self, op: Operation, stretch: _Stretch) -> None:
        pruned_us = now_us()
        stub = self._seals.stub(stretch.end, stretch.seal, pruned_us)
        try:
            op.change(lambda connection: _remove_blocks(connection, stretch, pruned_us, stub))
        except OperationalError as error:
            if not _is_not_granted(error):
                raise
            told = "This database account may not prune; the owner of the schema may."
            raise errors.Unavailable(told, facts={"reason": "not granted"}) from error


def _is_not_granted(error: BaseException | None) -> bool:
    return (
        isinstance(error, OperationalError) and error.orig is not None and error.orig.args[0] in _NOT_GRANTED
    )


def _next(connection: Connection, before_us: int) -> _Stretch | None:
    pruned = connection.execute(select(audit_chain.c.pruned).where(audit_chain.c.id == 1)).scalar_one()
    following = select(*audit_blocks.c).where(audit_blocks.c.number > pruned).order_by(audit_blocks.c.number)
    stretch: _Stretch | None = None
    for block in connection.execute(following.limit(_BLOCKS_AT_ONCE)):
        if not is_sound(block):
            raise errors.AuditBroken("The record of a block holds a value of no kind that its column holds.")
        rows = block.row_count + (stretch.rows if stretch else 0)
        if block.last_us >= before_us or (stretch and rows > _ROWS_AT_ONCE):
            break
        stretch = _Stretch(pruned, block_of(block), block.seal, rows)
    return stretch


def _remove_blocks(connection: Connection, stretch: _Stretch, pruned_us: int, stub: str) -> None:
    rows = audit_log.c.block_id.between(stretch.pruned + 1, stretch.last)
    advanced = connection.execute(
        update(audit_chain)
        .where(audit_chain.c.id == 1, audit_chain.c.pruned == stretch.pruned)
        .values(pruned=stretch.last)
    )
    if advanced.rowcount != 1:
        raise errors.Unavailable("Another process is pruning.")
    forget(connection, rows)
    connection.execute(delete(audit_log).where(rows))
    connection.execute(delete(audit_blocks).where(audit_blocks.c.number < stretch.last))
    connection.execute(
        update(audit_blocks)
        .where(audit_blocks.c.number == stretch.last)
        .values(pruned_us=pruned_us, stub=stub)
    )
    if not _took(connection, stretch, stub):
        raise errors.AuditBroken("The database does not keep what pruning writes.")


def _took(connection: Connection, stretch: _Stretch, stub: str) -> bool:
    """True if the rows are gone and the stub is there, read back in the transaction that did it."""
    left = (
        select(audit_log.c.id).where(audit_log.c.block_id.between(stretch.pruned + 1, stretch.last)).limit(1)
    )
    kept = select(audit_blocks.c.number, audit_blocks.c.stub).where(audit_blocks.c.number <= stretch.last)
    head = select(audit_chain.c.pruned).where(audit_chain.c.id == 1)
    return (
        connection.execute(left).first() is None
        and [tuple(row) for row in connection.execute(kept)] == [(stretch.last, stub)]
        and connection.execute(head).scalars().all() == [stretch.last]
    )
