"""Verification: reads the log block by block and says which one was changed, cut, added to, reordered or removed."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.exc import DBAPIError

from filewallball.audit.block_reader import BlockReader, Contents, Run, block_of, is_sound, runs
from filewallball.audit.edges import LATER, Edges, more, number
from filewallball.audit.report import MAX_FINDINGS, Report
from filewallball.audit.seals import FIRST_SEAL, Anchor, Block, Seals, read_anchor
from filewallball.audit.structure import contradictions, not_checked, structure
from filewallball.audit.totals import wrong_hours
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.recording.tables import audit_blocks, audit_chain, audit_log

logger = logging.getLogger("filewallball.audit")
_BLOCKS_AT_ONCE = 1_000
_MEND_TOTALS = (
    "the audit list tells wrong numbers; docs/runbook.md, AuditVerifyFailed, has them counted again"
)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Span:
    """The blocks to verify; the open ends are the log's own."""

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
        self._edges = Edges(database, seals)

    def verify(self, span: Span | None = None, progress: Progress | None = None) -> Report:
        """Verify the blocks of `span` (the whole log, with its head and its tail, by default)."""
        span = span or Span()
        started, report = time.monotonic(), Report(is_complete=span.is_whole)
        anchor = self._read_anchor(report)
        report.not_checked = self._database.query(not_checked)
        problems = self._database.query(structure)
        with ThreadPoolExecutor(1, "audit-beside") as pool:
            # Beside the blocks: it asks little of this process but to wait for the database.
            beside = pool.submit(self._look_beside) if span.is_whole else None
            try:
                self._verify_all(report, span, anchor, progress or (lambda done, total: None))
                if problems:
                    self._edges.verify_twins(report)
                if beside:
                    contradicting, hours = beside.result()
                    problems += contradicting
                    # Rows that were changed have other totals, too: that says nothing new.
                    if hours and not any(finding.block for finding in report.findings):
                        problems.append(f"{hours[0]} are not the log's{more(len(hours) - 1)}: {_MEND_TOTALS}")
            except DBAPIError:
                if not problems:
                    raise
                logger.exception("The audit log cannot be read: its tables are not what they were")
        for problem in problems:
            report.found(0, problem)
        report.findings.sort(key=lambda finding: finding.block or report.last_block + 1)
        report.finished_us, report.seconds = now_us(), time.monotonic() - started
        return report

    def _look_beside(self) -> tuple[list[str], list[str]]:
        """Compare the whole log with the indexes of its tables, and with the totals that the list tells."""
        return self._database.query(contradictions), wrong_hours(self._database)

    def block_at(self, microseconds: int, *, is_start: bool) -> int:
        """The first block with a row from then on, or the last one with a row up to then."""
        if is_start:
            statement = select(func.min(audit_blocks.c.number)).where(audit_blocks.c.last_us >= microseconds)
        else:
            statement = select(func.max(audit_blocks.c.number)).where(audit_blocks.c.first_us <= microseconds)
        row = self._one(statement)
        return row[0] if row is not None and row[0] is not None else 0

    def _verify_all(self, report: Report, span: Span, anchor: Anchor | None, progress: Progress) -> None:
        heads = self._all(select(*audit_chain.c).order_by(audit_chain.c.id != 1).limit(2))
        if len(heads) != 1:
            report.found(0, f"the head of the chain {'has a twin' if heads else 'is missing'}")
        if not heads:
            return
        if heads[0].id != 1:
            report.found(0, f"the head of the chain has the id {heads[0].id}, not 1: nothing more is sealed")
        try:
            self._verify(report, heads[0], span, anchor, progress)
        except (TypeError, ValueError, AttributeError, OverflowError):  # SQLite keeps anything in any column
            logger.exception("The audit log cannot be read as one")
            report.found(0, "a value in it is of no kind that its column holds")

    def _verify(
        self, report: Report, chain: Row[Any], span: Span, anchor: Anchor | None, progress: Progress
    ) -> None:
        report.first_block = max(chain.pruned + 1, min(span.first or 0, chain.number + 1))
        report.last_block = min(chain.number, span.last or chain.number)
        previous, expected = self._seal_before(report, chain, report.first_block), report.first_block
        for blocks, rows in self._reader.ahead(self._blocks(report), self._readers):
            if blocks[0][0].number != expected:
                previous = ()
            previous = self._verify_blocks(report, blocks, rows, previous)
            expected = blocks[-1][0].number + 1
            progress(report.blocks, report.last_block - report.first_block + 1)
        if report.last_block == chain.number and chain.seal not in previous:
            report.found(chain.number, "the head of the chain is not the seal of its last block")
        if span.is_whole:
            self._edges.verify(report, chain.pruned)
        if anchor is not None:
            self._verify_anchor(report, chain, anchor)
        self._forgive_pruned(report)

    def _read_anchor(self, report: Report) -> Anchor | None:
        try:
            return read_anchor(self._anchor_path)
        except ValueError:
            report.found(0, "the anchor on this host is unreadable")
            return None

    def _seal_before(self, report: Report, chain: Row[Any], first: int) -> tuple[str, ...]:
        """The seals that the first block may follow: the fixed first one, or the one of the stub or block before it."""
        if first == 1:
            return (FIRST_SEAL,)
        row = self._one(select(*audit_blocks.c).where(audit_blocks.c.number == first - 1))
        if first == chain.pruned + 1 and not self._is_stub(row):
            report.found(first - 1, "the stub of the pruned blocks is missing or forged")
            return ()
        return (row.seal,) if row else ()

    def _is_stub(self, row: Row[Any] | None) -> bool:
        """True if this record stands for blocks that the service pruned."""
        if row is None or not is_sound(row):
            return False
        return self._seals.is_stub(block_of(row), row.seal, row.pruned_us or 0, row.stub)

    def _blocks(self, report: Report) -> Iterator[Run]:
        """The records of the blocks, in runs of a bounded number of rows; missing ones are noted."""
        expected = report.first_block
        while expected <= report.last_block:
            statement = (
                select(*audit_blocks.c)
                .where(audit_blocks.c.number.between(expected, report.last_block))
                .order_by(audit_blocks.c.number)
                .limit(_BLOCKS_AT_ONCE)
            )
            rows = self._all(statement)
            numbers = {row.number for row in rows}
            end = number(rows[-1].number) if len(rows) == _BLOCKS_AT_ONCE else report.last_block
            missing = (block for block in range(expected, end + 1) if block not in numbers)
            for block in islice(missing, MAX_FINDINGS):
                report.found(block, "the record of the block is missing")
            yield from runs(list(self._sound(report, rows)))
            expected = end + 1

    def _sound(self, report: Report, rows: Sequence[Row[Any]]) -> Iterator[Row[Any]]:
        """The records that can be read, each block's once."""
        last = None
        for row in rows:
            if not is_sound(row):
                report.found(number(row.number), "its record holds a value of no kind that its column holds")
            elif row.number == last:
                report.found(row.number, "the record of the block is there twice")
            else:
                last = row.number
                if row.pruned_us is not None or row.stub:
                    report.found(row.number, "its record was edited: it says that the block was pruned")
                yield row

    def _verify_blocks(
        self, report: Report, blocks: Run, rows: Contents, previous: tuple[str, ...]
    ) -> tuple[str, ...]:
        for block, seal in blocks:
            count, sealed = rows.pop(block.number, (0, b""))
            seals = [self._seals.seal(before, block, sealed) for before in previous]
            if previous and (seal not in seals or count != block.row_count):
                # What was read ahead may be cut short: look again.
                count, sealed = self._reader.by_row([(block, seal)]).get(block.number, (0, b""))
                seals = [self._seals.seal(before, block, sealed) for before in previous]
            report.blocks += 1
            report.rows += count
            if not previous:
                report.found(block.number, "it cannot be checked: the seal before it is unknown")
            elif seal not in seals or count != block.row_count:
                report.found(block.number, self._diagnose(block))
            # After a bad block the next one may follow its recorded seal (rows were changed) or its right one (the
            # seal was): either way the next block is judged for itself.
            previous = (seal, *(value for value in seals if value != seal))
        for claimed in rows:
            report.found(number(claimed), "rows claim a block that has no record")
        return previous

    def _diagnose(self, block: Block) -> str:
        rows = self._edges.rows(audit_log.c.block_id == block.number, block.row_count + 1000)
        changed, holding_null = rows.forged, rows.holding_null
        if len(changed) == rows.count > 1:
            return f"all of its {rows.count} rows were changed or inserted, or AUDIT_SEAL_KEY was another one"
        if changed:
            return f"row {changed[0]} was changed or inserted{more(len(changed) - 1)}"
        if holding_null:
            return f"row {holding_null[0]} holds NULL, changed or inserted{more(len(holding_null) - 1)}"
        if rows.later:
            return f"row {rows.later[0]} has {LATER}{more(len(rows.later) - 1)}"
        if rows.count != block.row_count:
            difference = rows.count - block.row_count
            return f"{abs(difference)} row(s) " + ("are missing" if difference < 0 else "were inserted")
        return "its rows were reordered or replaced, or its seal or record was edited"

    def _verify_anchor(self, report: Report, chain: Row[Any], anchor: Anchor) -> None:
        if anchor.number > chain.number:
            problem = f"the log ends before block {anchor.number}, which this host has seen: its tail was cut"
            report.found(chain.number + 1, problem)
        elif anchor.number >= chain.pruned and anchor.number > 0:
            seal = self._one(select(audit_blocks.c.seal).where(audit_blocks.c.number == anchor.number))
            if seal is None or seal[0] != anchor.seal:
                report.found(
                    anchor.number, "it is not the block that this host has seen: history was rewritten"
                )

    def _forgive_pruned(self, report: Report) -> None:
        """Blocks that were pruned while we read are not missing."""
        stubs = select(*audit_blocks.c).join(audit_chain, audit_chain.c.pruned == audit_blocks.c.number)
        row = self._one(stubs)
        pruned = row.number if row is not None and self._is_stub(row) else 0
        if pruned >= report.first_block:
            report.findings = [finding for finding in report.findings if not 0 < finding.block <= pruned]

    def _all(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        return self._database.rows(statement)

    def _one(self, statement: Select[Any]) -> Row[Any] | None:
        rows = self._all(statement.limit(1))
        return rows[0] if rows else None
