"""The sealer: takes unsealed rows in id order, hands them to the registered rollups and seals them as the next block.

All of it is one transaction that must advance the chain's single head row, so two sealers at once, on one host or on
many, are harmless: one of them rolls back.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple, dataclass, field, fields
from functools import cached_property
from pathlib import Path

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, literal, select, update

from filewallball.audit.marking import mark, marked
from filewallball.audit.seals import (
    OTHER_KEY,
    Anchor,
    Block,
    Candidate,
    Seals,
    holds_key,
    read_anchor,
    sealed_column,
    write_anchor,
)
from filewallball.audit.stall import Stall
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.database.retries import retrying
from filewallball.errors import AuditBroken
from filewallball.filesystem import try_lock
from filewallball.recording.tables import AuditRecord, audit_blocks, audit_chain, audit_log

SEALING_SECONDS = 2.0
REFUSED = -1
"""The `block_id` of rows that the service did not write, or that changed before they were sealed."""
BLOCK_ROWS = 2000
_HEADS_LOGGED_SECONDS = 60.0
_COUNT_LIMIT = 1_000_000
_BEFORE_ALL = -(2**63)
"""Lower than the id of any row: one that somebody made negative is sealed, or refused, like any other."""
_NO_HEAD = (
    "The head of the audit log's chain is missing, or is none that a block can follow: nothing can be sealed."
)
_LATER = "Row {} of the audit log has a format that this release does not know: a later one has to seal it."
_NOT_KEPT = "The database does not keep what sealing writes: has somebody put a trigger on the audit tables?"
Rollup = Callable[[Connection, Sequence[AuditRecord]], None]
logger = logging.getLogger("filewallball.audit")


class Sealer:
    """One for each process; `run` does nothing while another process of the host is at it.

    Each of `rollups` is called with every row once, in the transaction that seals it; one that raises stops the sealing
    until it no longer does.
    """

    def __init__(
        self, directory: Path, database: Database, seals: Seals, rollups: Sequence[Rollup] = ()
    ) -> None:
        self._lock_path = directory / "digest.lock"
        self._anchor_path = directory / "audit-head"
        self._database = database
        self._seals = seals
        self.rollups = tuple(rollups)
        self._logged = 0.0
        self.stall = Stall(database)
        self.waiting = 0
        """The number of unsealed rows when `count` last looked."""

    @cached_property
    def _unsealed(self) -> Select[*tuple[int, bytes]]:
        """The rows that wait, of large statements the largest: built only in a process that seals."""
        return (
            select(audit_log.c.id, sealed_column(self._database))
            .where(audit_log.c.block_id.is_(None), audit_log.c.id > bindparam("after"))
            .order_by(audit_log.c.id)
            .limit(BLOCK_ROWS)
        )

    def run(self) -> int:
        """Seal all that is unsealed; returns the number of rows. Raises database errors, and AuditBroken
        where the log and all that waits are of another key, at a row of a format that only a later release knows,
        or where the log cannot be sealed at all; nothing is lost."""
        try:
            sealed = self._run()
        except AuditBroken as error:
            if self.stall.problem != error.detail:
                logger.error("The audit log cannot be sealed", extra={"problem": error.detail})
            self.stall.problem = error.detail
            raise
        if sealed is not None:
            self.stall.problem = ""
        return sealed or 0

    def _run(self) -> int | None:
        """Seal all that waits; returns the number of rows, None if another process of the host is sealing."""
        with try_lock(self._lock_path) as held, ThreadPoolExecutor(1, "audit-digest") as reader:
            if not held:
                return None
            total, batch = 0, self._read()
            while True:
                # Of many blocks, the next one is read and checked while the database takes this one.
                following = reader.submit(self._read, batch.last_id) if batch.size == BLOCK_ROWS else None
                settled = self._settle(batch)
                total += settled
                if batch.later is not None:
                    raise AuditBroken(_LATER.format(batch.later))
                if following is None or not settled:
                    return total
                batch = following.result()

    def count(self) -> int:
        """Count the rows that wait to be sealed, up to a million, and note since when sealing has stood still."""
        self.stall.look()
        waiting = select(literal(1)).where(audit_log.c.block_id.is_(None)).limit(_COUNT_LIMIT).subquery()
        statement = select(func.count()).select_from(waiting)
        self.waiting = self._database.scalar(statement)
        return self.waiting

    def _read(self, after: int = _BEFORE_ALL) -> "_Batch":
        batch = _Batch()
        for row_id, sealed in self._database.rows(self._unsealed, {"after": after}):
            row = None if sealed is None else Candidate.read(sealed)  # NULL where a value of the row is
            if row is not None and row.is_of_later_release:
                batch.later = row_id
                return batch
            batch.last_id = row_id
            if row is not None and self._seals.is_genuine(row):
                batch.genuine.append(row)
            else:
                batch.refused.append(row_id)
        return batch

    def _settle(self, batch: "_Batch") -> int:
        head = self._database.query(_head)
        try:
            if batch.genuine:
                self._seal(head, batch.genuine)
            if batch.refused and not (batch.genuine or holds_key(self._database, self._seals)):
                raise AuditBroken(OTHER_KEY)  # to refuse is for good, and these may be what other hosts wrote
            if batch.refused:
                self._refuse(batch.refused)
        except _Overtaken:
            self._must_be_overtaken(head, batch.genuine)
            return 0
        if not batch.size and head.number:
            self._advance_anchor(Anchor(head.number, head.seal))
        return batch.size

    def _must_be_overtaken(self, head: Row[int, str], genuine: list[Candidate]) -> None:
        """Raise AuditBroken if nobody was faster and no row has gone: then the database does not do what it is told."""
        ids = [row.id for row in genuine]

        def work(connection: Connection) -> bool:
            return _head(connection).number == head.number and marked(connection, None, ids) >= len(ids)

        if self._database.query(work):
            raise AuditBroken(_NOT_KEPT)

    def _seal(self, head: Row[int, str], genuine: list[Candidate]) -> None:
        rows = [row.record() for row in genuine]
        moments = [row.timestamp_us for row in rows]
        block = Block(
            number=head.number + 1,
            first_id=rows[0].id,
            last_id=rows[-1].id,
            row_count=len(rows),
            first_us=min(moments),
            last_us=max(moments),
            sealed_us=now_us(),
        )
        seal = self._seals.seal(head.seal, block, b"".join([row.sealed for row in genuine]))
        retrying(lambda: self._commit(block, seal, rows))
        anchor = Anchor(block.number, seal)
        self._advance_anchor(anchor)
        self._log(anchor, block)

    def _commit(self, block: Block, seal: str, rows: Sequence[AuditRecord]) -> None:
        with self._database.begin() as connection:
            advanced = connection.execute(
                update(audit_chain)
                .where(audit_chain.c.id == 1, audit_chain.c.number == block.number - 1)
                .values(number=block.number, seal=seal)
            )
            if advanced.rowcount != 1:
                raise _Overtaken
            connection.execute(insert(audit_blocks), {**asdict(block), "seal": seal, "stub": ""})
            ids = [row.id for row in rows]
            mark(connection, block.number, ids)
            if not _took(connection, block, seal, ids):
                raise _Overtaken  # a row vanished since it was read: look again
            for rollup in self.rollups:
                rollup(connection, rows)

    def _refuse(self, ids: list[int]) -> None:
        """Set rows aside that nobody can vouch for: they are in no block and no statistics, and verify names them."""
        with self._database.begin() as connection:
            mark(connection, REFUSED, ids)
            if marked(connection, None, ids):
                raise AuditBroken(_NOT_KEPT)
        logger.error("Audit rows refused: their mac is wrong", extra={"count": len(ids), "row_ids": ids[:20]})

    def _advance_anchor(self, head: Anchor) -> None:
        """Move the anchor on, unless the log is not the one that it was taken from: then it is evidence."""
        try:
            before = read_anchor(self._anchor_path)
        except ValueError:
            logger.error("The audit anchor is unreadable")
            return
        if before is None or before.number < head.number:
            if before is None or self.holds(before):
                write_anchor(self._anchor_path, head)
            else:
                logger.error("The audit log is not the one that was anchored", extra={"block": before.number})
        elif before != head:
            logger.error("The audit log is behind its anchor", extra={"block": before.number})

    def holds(self, anchor: Anchor) -> bool:
        """True if the log has the anchored block, or has pruned it."""
        statement = select(audit_blocks.c.seal).where(audit_blocks.c.number == anchor.number)
        pruned = select(audit_chain.c.pruned).where(audit_chain.c.id == 1)

        def work(connection: Connection) -> bool:
            seal = connection.execute(statement).scalar_one_or_none()
            return seal == anchor.seal or anchor.number < connection.execute(pruned).scalar_one()

        return self._database.query(work)

    def _log(self, anchor: Anchor, block: Block) -> None:
        """Tell the log of the head now and then: a witness outside the database."""
        if time.monotonic() - self._logged >= _HEADS_LOGGED_SECONDS:
            self._logged = time.monotonic()
            extra = {"block": anchor.number, "seal": anchor.seal, "last_id": block.last_id}
            logger.info("Audit block sealed", extra=extra)


@dataclass(slots=True)
class _Batch:
    """Unsealed rows in order: those that the service wrote, and the ids of those that it did not; `later` is the
    id of the row that ended them because this release does not know its format."""

    genuine: list[Candidate] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    last_id: int = _BEFORE_ALL
    later: int | None = None

    @property
    def size(self) -> int:
        return len(self.genuine) + len(self.refused)


class _Overtaken(Exception):
    """Another sealer sealed these rows first."""


def _took(connection: Connection, block: Block, seal: str, ids: Sequence[int]) -> bool:
    """True if head, record and rows are as written, read back in the transaction that wrote them."""
    heads = [tuple(head) for head in connection.execute(_HEAD)]
    records = [tuple(record) for record in connection.execute(_RECORD, {"number": block.number})]
    return (
        heads == [(block.number, seal)]
        and records == [(*astuple(block), seal, None, "")]
        and marked(connection, block.number, ids) == len(ids)
    )


def _head(connection: Connection) -> Row[int, str]:
    """The head of the chain. Raises AuditBroken where there is none that a block can follow."""
    heads = connection.execute(_HEAD).all()
    if len(heads) != 1 or type(heads[0].number) is not int or type(heads[0].seal) is not str:
        raise AuditBroken(_NO_HEAD)
    return heads[0]


_HEAD = select(audit_chain.c.number, audit_chain.c.seal).where(audit_chain.c.id == 1)
_RECORD = select(
    *(audit_blocks.c[term.name] for term in fields(Block)),
    audit_blocks.c.seal,
    audit_blocks.c.pruned_us,
    audit_blocks.c.stub,
).where(audit_blocks.c.number == bindparam("number"))
