"""The log as a stream of CSV or JSON lines: constant memory, on record until the last byte has left."""

import csv
import io
from collections.abc import Generator, Iterable, Sequence
from typing import Any

import orjson

from filewallball import errors
from filewallball.audit.filters import AuditFilter
from filewallball.audit.presentation import shown
from filewallball.audit.queries import walk
from filewallball.audit.schemas import AuditEventSchema
from filewallball.database.connections import Database
from filewallball.recording.operations import Operation

TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
_COLUMNS = tuple(AuditEventSchema().fields)
# What makes a spreadsheet take a cell for a formula, in ASCII and in full width.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Export:
    """An iterable body. However it ends, the operation ends with it: after the last piece, or when it is closed."""

    def __init__(self, op: Operation, database: Database, wanted: AuditFilter, form: str) -> None:
        self.rows = 0
        self._op = op
        self._pieces = self._write(walk(database, wanted), form)

    def __iter__(self) -> "Export":
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            self._finish(None)
            raise
        except Exception as error:
            self._finish(error)
            raise

    def close(self, *, is_wanted: bool = True) -> None:
        """The reader is gone; `is_wanted` says whether it had asked for a body at all."""
        self._pieces.close()
        self._finish(errors.NetworkError() if is_wanted else None)

    def _finish(self, error: BaseException | None) -> None:
        self._op.note(details={"rows": self.rows})
        self._op.finish(error)

    def _write(self, pieces: Iterable[Sequence[Any]], form: str) -> Generator[bytes]:
        if form == "csv":
            yield _csv([_COLUMNS])
        for rows in pieces:
            self.rows += len(rows)
            if form == "csv":
                yield _csv([_cells(shown(row)) for row in rows])
            else:
                yield b"".join(orjson.dumps(shown(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _cells(row: dict[str, Any]) -> list[Any]:
    return [_safe(value) for value in row.values()]


def _safe(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, dict):
        value = orjson.dumps(value).decode()
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
