"""The story of a request: what it did, what went wrong, and the blocks that seal its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from filewallball import errors
from filewallball.audit.block_reader import is_sound
from filewallball.audit.report import LastVerification
from filewallball.database.columns import equals
from filewallball.database.connections import Database
from filewallball.database.dialect import by_index
from filewallball.errors import ApiError
from filewallball.recording.tables import audit_blocks, audit_log

MOST_ROWS = 100
INTACT, BROKEN, UNCHECKED = "intact", "broken", "not_checked"


@dataclass(frozen=True, slots=True)
class Chapter:
    """One operation of a request: its row, what its error means, and the block that seals it."""

    row: Row[Any]
    error: type[ApiError] | None
    block: Row[Any] | None
    verified: str


@dataclass(frozen=True, slots=True)
class Story:
    """The operations of a request, the oldest first; `is_whole` unless there were more of them than are told."""

    chapters: Sequence[Chapter]
    is_whole: bool


def tell(database: Database, request_id: str, last: LastVerification | None) -> Story:
    """The record of a request. Raises NotFound where there is none."""

    def read(connection: Connection) -> tuple[Sequence[Row[Any]], dict[int, Row[Any]]]:
        rows = connection.execute(_ROWS.where(equals(audit_log.c.request_id, request_id))).all()
        numbers = {row.block_id for row in rows if type(row.block_id) is int and row.block_id > 0}
        blocks = connection.execute(select(audit_blocks).where(audit_blocks.c.number.in_(numbers))).all()
        return rows, {block.number: block for block in blocks if is_sound(block)}

    rows, blocks = database.snapshot(read)
    if not rows:
        raise errors.NotFound("Nothing is on record of this request.")
    kinds = {kind.code: kind for kind in errors.catalogue()}
    chapters = [
        Chapter(row, kinds.get(row.error_type), block := blocks.get(row.block_id), _verified(block, last))
        for row in rows[:MOST_ROWS]
    ]
    return Story(chapters, len(rows) <= MOST_ROWS)


def _verified(block: Row[Any] | None, last: LastVerification | None) -> str:
    """The word of this host's last verification on a block."""
    if block is None or last is None:
        return UNCHECKED
    report = last.report
    if any(finding.block == block.number for finding in report.findings):
        return BROKEN
    is_covered = report.first_block <= block.number <= report.last_block
    is_told = not report.findings or block.number < min(finding.block for finding in report.findings)
    return INTACT if is_covered and is_told else UNCHECKED


_ROWS = by_index(select(*audit_log.c), audit_log, "ix_audit_log_request").order_by(audit_log.c.id)
_ROWS = _ROWS.limit(MOST_ROWS + 1)
