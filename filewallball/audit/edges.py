"""The log outside its blocks: rows in none, rows and records where no block is, and rows that sealing passed by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, or_, select

from filewallball.audit.report import Report
from filewallball.audit.sealer import BLOCK_ROWS, REFUSED
from filewallball.audit.seals import Candidate, Seals, sealed_column
from filewallball.database.connections import Database
from filewallball.recording.tables import audit_blocks, audit_chain, audit_log

PASSES = 100
"""The number of passes in which the sealer may seal later rows; a row still left then must have been hidden from it.
A row is on record late only where its transaction outlasted all of them, each of which had work to do."""
_ROWS_AT_ONCE = 10_000
_GROUPS_TOLD = 10
LATER = "a format that this release does not know: a later one has to verify it"
_HEAD = select(func.max(audit_chain.c.number)).scalar_subquery()


@dataclass(slots=True)
class Rows:
    """Some rows: how many, the last one's id, and the ids of those that nobody vouches for, that hold NULL or whose
    format only a later release knows."""

    count: int = 0
    last_id: int | None = None
    forged: list[int | None] = field(default_factory=list)
    holding_null: list[int | None] = field(default_factory=list)
    later: list[int | None] = field(default_factory=list)


class Edges:
    """Verifies what lies beside the blocks of one database's log; reads only."""

    def __init__(self, database: Database, seals: Seals) -> None:
        self._database = database
        self._seals = seals
        self._candidates = select(audit_log.c.id, sealed_column(database)).order_by(audit_log.c.id)

    def rows(self, condition: ColumnElement[bool], most: int) -> Rows:
        """The first rows that the condition is true of, judged one by one."""
        found = Rows()
        for row_id, sealed in self._all(self._candidates.where(condition).limit(most)):
            found.count, found.last_id = found.count + 1, row_id
            row = None if sealed is None else Candidate.read(sealed)
            if row is None:
                found.holding_null.append(row_id)
            elif row.is_of_later_release:
                found.later.append(row_id)
            elif not self._seals.is_genuine(row):
                found.forged.append(row_id)
        return found

    def verify(self, report: Report, pruned: int) -> None:
        """Note what is wrong outside the blocks that follow number `pruned`."""
        self._verify_unsealed(report)
        self._verify_passed_by(report)
        self._verify_strays(report, pruned)
        self._verify_records(report, pruned)

    def verify_twins(self, report: Report) -> None:
        """Note rows that are there twice, each as genuine as the other: for tables that no longer keep them out."""
        twins = (
            select(func.min(audit_log.c.id), func.max(audit_log.c.id), func.max(audit_log.c.block_id))
            .where(audit_log.c.event_id.is_not(None))
            .group_by(audit_log.c.event_id)
            .having(func.count() > 1)
            .limit(_GROUPS_TOLD)
        )
        for row_id, other_id, block in self._all(twins):
            report.found(max(number(block), 0), f"rows {row_id} and {other_id} are the same event")

    def _verify_unsealed(self, report: Report) -> None:
        for rows in self._unsealed():
            report.unsealed += rows.count
            for ids, problem in (
                (rows.forged, "was not written by the service"),
                (rows.holding_null, "holds NULL: it was not written by the service"),
                (rows.later, f"has {LATER}"),
            ):
                if ids:
                    report.found(0, f"unsealed row {ids[0]} {problem}{more(len(ids) - 1)}")

    def _unsealed(self) -> Iterator[Rows]:
        """In pieces; a row without an id, where the table lets it be, is in the first."""
        condition: ColumnElement[bool] = audit_log.c.block_id.is_(None)
        while True:
            rows = self.rows(condition, _ROWS_AT_ONCE)
            yield rows
            if rows.count < _ROWS_AT_ONCE or rows.last_id is None:
                return
            condition = audit_log.c.block_id.is_(None) & (audit_log.c.id > rows.last_id)

    def _verify_passed_by(self, report: Report) -> None:
        """Find rows left behind: the sealer takes the lowest ids first, and only a pass ends with a block not full."""
        recent = (
            select(audit_blocks.c.first_id)
            .where(audit_blocks.c.row_count < BLOCK_ROWS)
            .order_by(audit_blocks.c.number.desc())
            .limit(PASSES)
            .subquery()
        )
        ((passes, lowest),) = self._all(select(func.count(), func.min(recent.c.first_id)))
        if passes < PASSES:
            return
        left = select(func.min(audit_log.c.id), func.count()).where(
            audit_log.c.block_id.is_(None), audit_log.c.id < lowest
        )
        ((row_id, count),) = self._all(left)
        if count:
            after = select(func.min(audit_blocks.c.number)).where(audit_blocks.c.first_id > row_id)
            ((block,),) = self._all(after)
            report.found(
                block, f"row {row_id} should be in it or before, and is left unsealed{more(count - 1)}"
            )

    def _verify_strays(self, report: Report, pruned: int) -> None:
        """Find rows that claim a block that does not exist."""
        strays = select(audit_log.c.block_id, func.min(audit_log.c.id), func.count()).group_by(
            audit_log.c.block_id
        )
        for block, row_id, count in self._all(
            strays.where(audit_log.c.block_id < pruned + 1).limit(_GROUPS_TOLD)
        ):
            if block == REFUSED:
                report.found(0, f"row {row_id} was refused: not written by the service{more(count - 1)}")
            else:
                problem = f"row {row_id} claims a block that has no rows{more(count - 1)}"
                report.found(max(number(block), 0), problem)
        self._verify_beyond(report, audit_log.c.block_id)

    def _verify_records(self, report: Report, pruned: int) -> None:
        """Find records of blocks that cannot exist."""
        column = audit_blocks.c.number
        self._verify_beyond(report, column)
        before = select(column).where(or_(column.is_(None), column < pruned + 1)).order_by(column).limit(2)
        found = [block for (block,) in self._all(before)]
        stubs = [pruned] if pruned else []
        if found != stubs and found:  # a stub that is missing was told already
            odd = next((block for block in found if block != pruned), found[0])
            report.found(0, f"there is a record of block {odd}, which was pruned or never was")

    def _verify_beyond(self, report: Report, column: ColumnElement[int]) -> None:
        beyond = select(column).where(column > _HEAD).order_by(column.desc()).limit(1)
        for (block,) in self._all(beyond):
            report.found(number(block), "lies beyond the head of the chain")

    def _all(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
        return self._database.rows(statement)


def number(value: Any) -> int:
    """The block that a value names which may be of any kind; 0 where it names none."""
    return int(value) if isinstance(value, int | float) else 0


def more(count: int) -> str:
    """The note that counts further ones, such as ` (and 3 more)`; empty without any."""
    return f" (and {count} more)" if count > 0 else ""
