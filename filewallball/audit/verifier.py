"""Verification: reads the log block by block and says which one was changed, cut, added to, reordered or removed."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, inspect, select

from filewallball.audit.block_reader import BlockReader, Contents, Run, runs
from filewallball.audit.report import MAX_FINDINGS, Verdict
from filewallball.audit.sealer import REFUSED
from filewallball.audit.seals import (
    FIRST_SEAL,
    Anchor,
    Block,
    Candidate,
    Seals,
    read_anchor,
    sealed_column,
)
from filewallball.audit.tables import audit_blocks, audit_chain
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.recording.tables import audit_log

logger = logging.getLogger("filewallball.audit")
_BLOCKS_AT_ONCE = 1_000
_MOST_UNSEALED = 10_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Span:
    """Which blocks to verify; the open ends are the log's own."""

    first: int | None = None
    last: int | None = None

    @property
    def is_whole(self) -> bool:
        return self.first is None and self.last is None


class Verifier:
    """Verifies one database's log against the key and this host's anchor. Reads only, with so many connections."""

    def __init__(self, database: Database, seals: Seals, anchor_path: Path, readers: int = 2) -> None:
        self._database = database
        self._seals = seals
        self._anchor_path = anchor_path
        self._reader = BlockReader(database)
        self._readers = readers
        self._candidates = select(sealed_column(database)).order_by(audit_log.c.id).limit(bindparam("most"))

    def verify(self, span: Span | None = None, progress: Progress | None = None) -> Verdict:
        """Verify the blocks of `span` (the whole log, with its head and its tail, by default)."""
        span = span or Span()
        started, verdict = time.monotonic(), Verdict(is_complete=span.is_whole)
        anchor = self._read_anchor(verdict)
        heads = self._all(select(*audit_chain.c).order_by(audit_chain.c.id).limit(2))
        if len(heads) != 1:
            verdict.found(0, f"the head of the chain {'has a twin' if heads else 'is missing'}")
        if heads:
            try:
                self._verify(verdict, heads[0], span, anchor, progress or (lambda done, total: None))
            except (TypeError, ValueError, AttributeError):  # SQLite keeps text and bytes in any column
                logger.exception("The audit log cannot be read as one")
                verdict.found(0, "a value in it is of no kind that its column holds")
        verdict.findings.sort(key=lambda finding: finding.block or verdict.last_block + 1)
        verdict.finished_us, verdict.seconds = now_us(), time.monotonic() - started
        return verdict

    def block_at(self, microseconds: int, *, is_start: bool) -> int:
        """The first block with a row from then on, or the last one with a row up to then."""
        if is_start:
            statement = select(func.min(audit_blocks.c.number)).where(audit_blocks.c.last_us >= microseconds)
        else:
            statement = select(func.max(audit_blocks.c.number)).where(audit_blocks.c.first_us <= microseconds)
        row = self._one(statement)
        return row[0] if row is not None and row[0] is not None else 0

    def _verify(
        self, verdict: Verdict, chain: Any, span: Span, anchor: Anchor | None, progress: Progress
    ) -> None:
        verdict.first_block = max(chain.pruned + 1, min(span.first or 0, chain.number + 1))
        verdict.last_block = min(chain.number, span.last or chain.number)
        previous, expected = self._seal_before(verdict, chain, verdict.first_block), verdict.first_block
        for blocks, rows in self._reader.ahead(self._blocks(verdict), self._readers):
            if blocks[0][0].number != expected:
                previous = ()
            previous = self._verify_blocks(verdict, blocks, rows, previous)
            expected = blocks[-1][0].number + 1
            progress(verdict.blocks, verdict.last_block - verdict.first_block + 1)
        if verdict.last_block == chain.number and chain.seal not in previous:
            verdict.found(chain.number, "the head of the chain is not the seal of its last block")
        if span.is_whole:
            self._verify_edges(verdict, chain)
        if anchor is not None:
            self._verify_anchor(verdict, chain, anchor)
        self._forgive_pruned(verdict)

    def _read_anchor(self, verdict: Verdict) -> Anchor | None:
        try:
            return read_anchor(self._anchor_path)
        except ValueError:
            verdict.found(0, "the anchor on this host is unreadable")
            return None

    def _seal_before(self, verdict: Verdict, chain: Any, first: int) -> tuple[str, ...]:
        """What the first block's seal must follow: nothing, the stub of what was pruned, or just its neighbour."""
        if first == 1:
            return (FIRST_SEAL,)
        row = self._one(select(*audit_blocks.c).where(audit_blocks.c.number == first - 1))
        if first == chain.pruned + 1 and not self._is_stub(row):
            verdict.found(first - 1, "the stub of the pruned blocks is missing or forged")
            return ()
        return (row.seal,) if row else ()

    def _is_stub(self, row: Any) -> bool:
        """Whether this record stands for blocks that the service pruned."""
        return row is not None and row.stub == self._seals.stub(row.number, row.seal, row.pruned_us or 0)

    def _blocks(self, verdict: Verdict) -> Iterator[Run]:
        """The records of the blocks, in runs of a bounded number of rows; missing ones are noted."""
        expected = verdict.first_block
        while expected <= verdict.last_block:
            statement = (
                select(*audit_blocks.c)
                .where(audit_blocks.c.number.between(expected, verdict.last_block))
                .order_by(audit_blocks.c.number)
                .limit(_BLOCKS_AT_ONCE)
            )
            rows = self._all(statement)
            numbers = {row.number for row in rows}
            end = rows[-1].number if len(rows) == _BLOCKS_AT_ONCE else verdict.last_block
            missing = (number for number in range(expected, end + 1) if number not in numbers)
            for number in islice(missing, MAX_FINDINGS):
                verdict.found(number, "the record of the block is missing")
            yield from runs(rows)
            expected = end + 1

    def _verify_blocks(
        self, verdict: Verdict, blocks: Run, rows: Contents, previous: tuple[str, ...]
    ) -> tuple[str, ...]:
        for block, seal in blocks:
            count, sealed = rows.pop(block.number, (0, b""))
            seals = [self._seals.seal(before, block, sealed) for before in previous]
            if previous and seal not in seals:  # what was read ahead may be cut short: look again
                count, sealed = self._reader.by_row([(block, seal)]).get(block.number, (0, b""))
                seals = [self._seals.seal(before, block, sealed) for before in previous]
            verdict.blocks += 1
            verdict.rows += count
            if not previous:
                verdict.found(block.number, "it cannot be checked: the seal before it is unknown")
            elif seal not in seals:
                verdict.found(block.number, self._diagnose(block))
            # After a bad block the next one may follow its recorded seal (rows were changed) or its right one (the
            # seal was): either way the next block is judged for itself.
            previous = (seal, *(value for value in seals if value != seal))
        for number in rows:
            verdict.found(number or 0, "rows claim a block that has no record")
        return previous

    def _diagnose(self, block: Block) -> str:
        rows = self._rows_of(audit_log.c.block_id == block.number, block.row_count + 1000)
        changed = [row.id for row in rows if not self._seals.is_genuine(row)]
        if len(changed) == len(rows) > 1:
            return f"all of its {len(rows)} rows were changed or inserted, or AUDIT_SEAL_KEY was another one"
        if changed:
            return f"row {changed[0]} was changed or inserted" + _more(len(changed) - 1)
        if len(rows) != block.row_count:
            difference = len(rows) - block.row_count
            return f"{abs(difference)} row(s) " + ("are missing" if difference < 0 else "were inserted")
        return "its rows were reordered or replaced, or its seal or record was edited"

    def _verify_edges(self, verdict: Verdict, chain: Any) -> None:
        """Rows in no block, in blocks that do not exist, and in blocks that were pruned."""
        self._verify_unsealed(verdict)
        self._verify_unique(verdict)
        highest = self._one(select(func.max(audit_log.c.block_id)))
        numbered = self._one(select(func.max(audit_blocks.c.number)))
        head = self._one(select(audit_chain.c.number))
        for value in (highest, numbered):
            if value is not None and value[0] is not None and head is not None and value[0] > head.number:
                verdict.found(value[0], "lies beyond the head of the chain")
        strays = select(audit_log.c.block_id, func.min(audit_log.c.id), func.count())
        for number, row_id, count in self._all(
            strays.where(audit_log.c.block_id <= chain.pruned).group_by(audit_log.c.block_id).limit(10)
        ):
            if number == REFUSED:
                verdict.found(0, f"row {row_id} was refused: not written by the service" + _more(count - 1))
            else:
                verdict.found(
                    max(number, 0), f"row {row_id} claims a block that has no rows" + _more(count - 1)
                )

    def _verify_unique(self, verdict: Verdict) -> None:
        """A copy of a row is as genuine as the row: what keeps it out is that no event_id is there twice."""

        def work(connection: Connection) -> Sequence[Any]:
            return inspect(connection).get_unique_constraints(audit_log.name)

        if not any(unique["column_names"] == ["event_id"] for unique in self._database.query(work)):
            verdict.found(0, "event_id need not be unique any more: a row may be there twice")

    def _verify_unsealed(self, verdict: Verdict) -> None:
        rows = self._rows_of(audit_log.c.block_id.is_(None), _MOST_UNSEALED)
        forged = [row.id for row in rows if not self._seals.is_genuine(row)]
        verdict.unsealed = len(rows)
        if forged:
            verdict.found(
                0, f"unsealed row {forged[0]} was not written by the service" + _more(len(forged) - 1)
            )

    def _verify_anchor(self, verdict: Verdict, chain: Any, anchor: Anchor) -> None:
        if anchor.number > chain.number:
            problem = f"the log ends before block {anchor.number}, which this host has seen: its tail was cut"
            verdict.found(chain.number + 1, problem)
        elif anchor.number >= chain.pruned and anchor.number > 0:
            seal = self._one(select(audit_blocks.c.seal).where(audit_blocks.c.number == anchor.number))
            if seal is None or seal[0] != anchor.seal:
                verdict.found(
                    anchor.number, "it is not the block that this host has seen: history was rewritten"
                )

    def _forgive_pruned(self, verdict: Verdict) -> None:
        """Blocks that were pruned while we read are not missing."""
        stubs = select(*audit_blocks.c).join(audit_chain, audit_chain.c.pruned == audit_blocks.c.number)
        row = self._one(stubs)
        pruned = row.number if row is not None and self._is_stub(row) else 0
        if pruned >= verdict.first_block:
            verdict.findings = [finding for finding in verdict.findings if not 0 < finding.block <= pruned]

    def _rows_of(self, condition: ColumnElement[bool], most: int) -> list[Candidate]:
        rows = self._all(self._candidates.where(condition), {"most": most})
        return [Candidate.read(row[0]) for row in rows if row[0] is not None]

    def _all(
        self, statement: Select[Any], values: dict[str, int] | None = None
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        return self._database.rows(statement, values)

    def _one(self, statement: Select[Any]) -> Row[Any] | None:
        rows = self._all(statement.limit(1))
        return rows[0] if rows else None


def _more(count: int) -> str:
    return f" (and {count} more)" if count > 0 else ""
