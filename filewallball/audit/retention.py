"""Retention: prunes whole sealed blocks, oldest first, and leaves a keyed stub that verification starts from."""

import logging
from dataclasses import asdict, dataclass
from typing import Any

import pymysql
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import OperationalError

from filewallball import errors
from filewallball.audit.models import AuditBlock, AuditChain, AuditRow
from filewallball.audit.reading import block_of, is_sound
from filewallball.audit.seals import Block
from filewallball.audit.totals import forget
from filewallball.audit.verification import verifier
from filewallball.audit.verify import Span
from filewallball.clock import now_us, rfc3339
from filewallball.operations import Caller, operation
from filewallball.runtime import Runtime

_ROWS_AT_ONCE = 20_000
_BLOCKS_AT_ONCE = 1_000
_NOT_GRANTED = (pymysql.constants.ER.TABLEACCESS_DENIED_ERROR, pymysql.constants.ER.COLUMNACCESS_DENIED_ERROR)
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


def prune_expired(parts: Runtime, caller: Caller) -> int:
    """Prune what AUDIT_RETENTION says; on MariaDB that may be left to another account, which is no error."""
    before_us = now_us() - round(parts.settings.audit_retention.total_seconds() * 1e6)
    try:
        return prune(parts, caller, before_us)
    except errors.Unavailable as error:
        if not _is_not_granted(error.__cause__):
            raise
        logger.warning("Audit rows are due to be pruned by an account that may delete them")
        return 0


def prune(parts: Runtime, caller: Caller, before_us: int) -> int:
    """Prune every block whose rows are all older, each step on record; returns the number of rows.

    Raises AuditBroken at a block that is not intact: what was tampered with stays as evidence; Unavailable where the
    database account may not delete.
    """
    total = 0
    while stretch := parts.database.query(lambda connection: _next(connection, before_us)):
        verdict = verifier(parts).verify(Span(stretch.pruned + 1, stretch.last))
        with operation(parts.ledger, "audit:prune", caller) as op:
            op.note(
                details={"first_block": stretch.pruned + 1, "last_block": stretch.last, "rows": stretch.rows}
            )
            op.note(details={"before": rfc3339(before_us)})
            if not verdict.is_intact:
                raise errors.AuditBroken(facts={"findings": [asdict(each) for each in verdict.findings]})
            try:
                op.change(_removal(parts, stretch))
            except OperationalError as error:
                if not _is_not_granted(error):
                    raise
                told = "This database account may not prune; the owner of the schema may."
                raise errors.Unavailable(told, facts={"reason": "not granted"}) from error
        total += stretch.rows
    return total


def _is_not_granted(error: BaseException | None) -> bool:
    return (
        isinstance(error, OperationalError) and error.orig is not None and error.orig.args[0] in _NOT_GRANTED
    )


def _next(connection: Connection, before_us: int) -> _Stretch | None:
    pruned = connection.execute(select(AuditChain.pruned).where(AuditChain.id == 1)).scalar_one()
    following = (
        select(*AuditBlock.__table__.columns).where(AuditBlock.number > pruned).order_by(AuditBlock.number)
    )
    stretch: _Stretch | None = None
    for block in connection.execute(following.limit(_BLOCKS_AT_ONCE)):
        if not is_sound(block):
            raise errors.AuditBroken("The record of a block holds a value of no kind that its column holds.")
        rows = block.row_count + (stretch.rows if stretch else 0)
        if block.last_us >= before_us or (stretch and rows > _ROWS_AT_ONCE):
            break
        stretch = _Stretch(pruned, block_of(block), block.seal, rows)
    return stretch


def _removal(parts: Runtime, stretch: _Stretch) -> Any:
    rows = AuditRow.block_id.between(stretch.pruned + 1, stretch.last)
    pruned_us = now_us()
    stub = parts.seals.stub(stretch.end, stretch.seal, pruned_us)

    def remove(connection: Connection) -> None:
        advanced = connection.execute(
            update(AuditChain)
            .where(AuditChain.id == 1, AuditChain.pruned == stretch.pruned)
            .values(pruned=stretch.last)
        )
        if advanced.rowcount != 1:
            raise errors.Unavailable("Another process is pruning.")
        forget(connection, rows)
        connection.execute(delete(AuditRow).where(rows))
        connection.execute(delete(AuditBlock).where(AuditBlock.number < stretch.last))
        connection.execute(
            update(AuditBlock).where(AuditBlock.number == stretch.last).values(pruned_us=pruned_us, stub=stub)
        )
        if not _took(connection, stretch, stub):
            raise errors.AuditBroken("The database does not keep what pruning writes.")

    return remove


def _took(connection: Connection, stretch: _Stretch, stub: str) -> bool:
    """Whether the rows are gone and the stub stands, read back in the transaction that did it."""
    left = select(AuditRow.id).where(AuditRow.block_id.between(stretch.pruned + 1, stretch.last)).limit(1)
    kept = select(AuditBlock.number, AuditBlock.stub).where(AuditBlock.number <= stretch.last)
    head = select(AuditChain.pruned).where(AuditChain.id == 1)
    return (
        connection.execute(left).first() is None
        and [tuple(row) for row in connection.execute(kept)] == [(stretch.last, stub)]
        and connection.execute(head).scalars().all() == [stretch.last]
    )
