"""Putting rows into a block, and asking the database afterwards whether they are there: what it answers to an UPDATE is
not enough where a trigger may have ignored or changed it."""

from collections.abc import Sequence
from itertools import pairwise

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select, update

from filewallball.recording.tables import audit_log

_MOST_RUNS = 64
_ROW = audit_log.c


def mark(connection: Connection, block: int, ids: Sequence[int]) -> None:
    """Put those of the rows that are unsealed into a block."""
    statement = update(audit_log).where(_chosen(ids), _ROW.block_id.is_(None))
    connection.execute(statement.values(block_id=block))


def marked(connection: Connection, block: int | None, ids: Sequence[int]) -> int:
    """Count those of the rows that are in a block; None stands for the unsealed."""
    is_there = _ROW.block_id.is_(None) if block is None else _ROW.block_id == block
    statement = select(func.count()).select_from(audit_log).where(_chosen(ids), is_there)
    return int(connection.execute(statement).scalar_one())


def _chosen(ids: Sequence[int]) -> ColumnElement[bool]:
    """Most ids follow each other, and a range costs the database far less than its ids one by one."""
    runs = _runs(ids)
    if len(runs) <= _MOST_RUNS:
        return or_(*(_ROW.id.between(first, last) for first, last in runs))
    listed: ColumnElement[bool] = _ROW.id.in_(bindparam("ids", ids, expanding=True, literal_execute=True))
    return listed


def _runs(ids: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending ids as the first and last of each run without a gap."""
    starts = [0, *(place for place in range(1, len(ids)) if ids[place] != ids[place - 1] + 1), len(ids)]
    return [(ids[first], ids[after - 1]) for first, after in pairwise(starts)]
