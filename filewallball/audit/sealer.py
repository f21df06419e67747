"""The digest: takes unsealed rows in id order, hands them to the registered folds and seals them as the next block.

All of it is one transaction that must advance the chain's single head row, so two digests at once, on one host or on
many, are harmless: one of them rolls back.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

from sqlalchemy import Connection, Row, bindparam, func, insert, literal, or_, select, update

from filewallball.audit.locks import try_lock
from filewallball.audit.seals import (
    OTHER_KEY,
    Anchor,
    Block,
    Candidate,
    Record,
    Seals,
    holds_key,
    read_anchor,
    sealed_column,
    write_anchor,
)
from filewallball.audit.tables import audit_blocks, audit_chain
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.database.retries import retrying
from filewallball.errors import AuditBroken
from filewallball.recording.tables import audit_log

DIGEST_SECONDS = 2.0
REFUSED = -1
"""The `block_id` of rows that the service did not write, or that changed before they were sealed."""
BLOCK_ROWS = 2000
_HEADS_LOGGED_SECONDS = 60.0
_COUNT_LIMIT = 1_000_000
_MOST_RUNS = 64
Fold = Callable[[Connection, Sequence[Record]], None]
logger = logging.getLogger("filewallball.audit")


class Digest:
    """One for each process; `run` does nothing while another process of the host is at it.

    Each of `folds` is called with every row once, in the transaction that seals it; one that raises stops the sealing
    until it no longer does.
    """

    def __init__(self, directory: Path, database: Database, seals: Seals, folds: Sequence[Fold] = ()) -> None:
        self._lock_path = directory / "digest.lock"
        self._anchor_path = directory / "audit-head"
        self._database = database
        self._seals = seals
        self.folds = tuple(folds)
        self._logged = 0.0
        self.waiting = 0
        """How many rows were unsealed when `count` last looked."""
        self._unsealed = (
            select(sealed_column(database))
            .where(audit_log.c.block_id.is_(None), audit_log.c.id > bindparam("after"))
            .order_by(audit_log.c.id)
            .limit(BLOCK_ROWS)
        )

    def run(self) -> int:
        """Seal all that is unsealed; returns the number of rows. Raises database errors, and AuditBroken
        where the log and all that waits are of another key; nothing is lost."""
        with try_lock(self._lock_path) as held, ThreadPoolExecutor(1, "audit-digest") as reader:
            if not held:
                return 0
            total, batch = 0, self._read()
            while True:
                # Of many blocks, the next one is read and checked while the database takes this one.
                following = reader.submit(self._read, batch.last_id) if batch.size == BLOCK_ROWS else None
                settled = self._settle(batch)
                total += settled
                if following is None or not settled:
                    return total
                batch = following.result()

    def seal_next(self) -> int:
        """Seal one block of at most BLOCK_ROWS rows; returns how many rows are dealt with, 0 if another was faster."""
        return self._settle(self._read())

    def count(self) -> int:
        """How many rows wait to be sealed, counted up to a million."""
        waiting = select(literal(1)).where(audit_log.c.block_id.is_(None)).limit(_COUNT_LIMIT).subquery()
        statement = select(func.count()).select_from(waiting)
        self.waiting = self._database.scalar(statement)
        return self.waiting

    def _read(self, after: int = 0) -> "_Batch":
        batch = _Batch()
        for row in map(Candidate.read, self._database.scalars(self._unsealed, {"after": after})):
            batch.last_id = row.id
            if self._seals.is_genuine(row):
                batch.genuine.append(row)
            else:
                batch.refused.append(row.id)
        return batch

    def _settle(self, batch: "_Batch") -> int:
        head = self._database.query(lambda connection: connection.execute(_HEAD).one())
        try:
            if batch.genuine:
                self._seal(head, batch.genuine)
            if batch.refused and not (batch.genuine or holds_key(self._database, self._seals)):
                raise AuditBroken(OTHER_KEY)  # to refuse is for good, and these may be what other hosts wrote
            if batch.refused:
                self._refuse(batch.refused)
        except _Overtaken:
            return 0
        if not batch.size and head.number:
            self._advance_anchor(Anchor(head.number, head.seal))
        return batch.size

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

    def _commit(self, block: Block, seal: str, rows: Sequence[Record]) -> None:
        with self._database.begin() as connection:
            advanced = connection.execute(
                update(audit_chain)
                .where(audit_chain.c.id == 1, audit_chain.c.number == block.number - 1)
                .values(number=block.number, seal=seal)
            )
            if advanced.rowcount != 1:
                raise _Overtaken
            connection.execute(insert(audit_blocks), {**asdict(block), "seal": seal, "stub": ""})
            if _mark(connection, block.number, [row.id for row in rows]) != len(rows):
                raise _Overtaken  # a row vanished since it was read: look again
            for fold in self.folds:
                fold(connection, rows)

    def _refuse(self, ids: list[int]) -> None:
        """Set rows aside that nobody can vouch for: they are in no block and no statistics, and verify names them."""
        with self._database.begin() as connection:
            _mark(connection, REFUSED, ids)
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
        """Whether the log has the anchored block, or has pruned it."""
        statement = select(audit_blocks.c.seal).where(audit_blocks.c.number == anchor.number)
        pruned = select(audit_chain.c.pruned)

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
    """Unsealed rows in order: those that the service wrote, and the ids of those that it did not."""

    genuine: list[Candidate] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    last_id: int = 0

    @property
    def size(self) -> int:
        return len(self.genuine) + len(self.refused)


class _Overtaken(Exception):
    """Another digest sealed these rows first."""


def _mark(connection: Connection, block: int, ids: Sequence[int]) -> int:
    """Put unsealed rows into a block; returns how many there were. Most ids follow each other, and a range costs the
    database far less than its ids one by one."""
    runs = _runs(ids)
    if len(runs) <= _MOST_RUNS:
        chosen = or_(*(audit_log.c.id.between(first, last) for first, last in runs))
    else:
        chosen = audit_log.c.id.in_(bindparam("ids", ids, expanding=True, literal_execute=True))
    return connection.execute(
        update(audit_log).where(chosen, audit_log.c.block_id.is_(None)).values(block_id=block)
    ).rowcount


def _runs(ids: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending ids as the first and last of each run without a gap."""
    starts = [0, *(place for place in range(1, len(ids)) if ids[place] != ids[place - 1] + 1), len(ids)]
    return [(ids[first], ids[after - 1]) for first, after in pairwise(starts)]


_HEAD = select(audit_chain.c.number, audit_chain.c.seal).where(audit_chain.c.id == 1)
