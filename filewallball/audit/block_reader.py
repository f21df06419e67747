"""Read sealed blocks for verification, ahead of the one that is worked on.

Where the database can, it hands over each block in one piece, which costs a fraction of its rows one by one.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, select

from filewallball.audit.seals import Block, sealed_column
from filewallball.database.connections import Database
from filewallball.database.dialect import by_index
from filewallball.recording.tables import audit_blocks, audit_log

_ROWS_AT_ONCE = 10_000
Run = list[tuple[Block, str]]
"""Consecutive blocks with their seals."""
Contents = dict[int, tuple[int, bytes]]
"""The number of rows in each block, and the bytes that its seal covers of them: none of a row that holds NULL."""


class BlockReader:
    """Reads what seals cover. What it reads ahead may be cut short where a block has grown; `by_row` of one is sure."""

    def __init__(self, database: Database) -> None:
        self._database = database
        sealed = sealed_column(database)
        # Up to the next whole number: SQLite would also keep a block 2.5, between one run and the next.
        between = and_(
            audit_log.c.block_id >= bindparam("first"), audit_log.c.block_id < bindparam("last") + 1
        )
        self._rows = (
            _in_block_order(audit_log.c.block_id, sealed)
            .where(between)
            .order_by(audit_log.c.block_id, audit_log.c.id)
            .limit(bindparam("most"))
        )
        joined = database.dialect.joined(sealed, audit_log.c.id)
        self._joined: Select[Any] | None = None
        if joined is not None:
            columns = (audit_log.c.block_id, func.count(), joined)
            self._joined = _in_block_order(*columns).where(between).group_by(audit_log.c.block_id)

    def ahead(self, found: Iterator[Run], readers: int) -> Iterator[tuple[Run, Contents]]:
        """Runs of blocks and their contents, so many of the next ones being read meanwhile."""
        waiting: deque[tuple[Run, Future[Contents]]] = deque()
        with ThreadPoolExecutor(readers, "audit-verify") as pool:
            for run in found:
                waiting.append((run, pool.submit(self._read, run)))
                if len(waiting) > readers:
                    run, contents = waiting.popleft()
                    yield run, contents.result()
            for run, contents in waiting:
                yield run, contents.result()

    def by_row(self, run: Run) -> Contents:
        """The contents of a run, read row by row; no more rows than it should have and one."""
        most = sum(block.row_count for block, _ in run) + 1
        bounds = {"first": run[0][0].number, "last": run[-1][0].number, "most": most}
        contents: Contents = {}
        for number, group in groupby(self._database.rows(self._rows, bounds), key=itemgetter(0)):
            rows = [row[1] for row in group]
            contents[number] = (
                len(rows),
                b"".join(filter(None, rows)),
            )  # NULL where a value is: counted all the same
        return contents

    def _read(self, run: Run) -> Contents:
        if self._joined is None:
            return self.by_row(run)
        found = self._database.rows(self._joined, {"first": run[0][0].number, "last": run[-1][0].number})
        return {number: (count, joined or b"") for number, count, joined in found}


def _in_block_order(*columns: ColumnElement[Any]) -> Select[Any]:
    """A selection by the index of blocks: otherwise MariaDB may collect a whole run in a temporary file first."""
    return by_index(select(*columns), audit_log, "ix_audit_log_block")


def runs(rows: Sequence[Row[Any]]) -> Iterator[Run]:
    """Consecutive blocks, cut so that their rows fit into memory."""
    run: Run = []
    size = 0
    for row in rows:
        if run and (size + row.row_count > _ROWS_AT_ONCE or row.number != run[-1][0].number + 1):
            yield run
            run, size = [], 0
        run.append((block_of(row), row.seal))
        size += row.row_count
    if run:
        yield run


def is_sound(row: Row[Any]) -> bool:
    """True if the record of a block holds numbers and texts where they belong."""
    return all(
        type(getattr(row, column.name)) is column.type.python_type
        or (column.nullable and getattr(row, column.name) is None)
        for column in audit_blocks.c
    )


def block_of(row: Row[Any]) -> Block:
    """The terms in a sound record."""
    return Block(
        row.number, row.first_id, row.last_id, row.row_count, row.first_us, row.last_us, row.sealed_us
    )
