"""The log as a stream of CSV or JSON lines: constant memory, on record until the last byte has left."""

import codecs
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
from filewallball.clock import rfc3339
from filewallball.database.connections import Database
from filewallball.recording.operations import Operation

_CSV, _CSV_EXCEL = "csv", "csv-excel"
TYPES = {
    _CSV: "text/csv; charset=utf-8",
    _CSV_EXCEL: "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
}
"""Formats, each with the type that it is sent as. `csv-excel` is `csv` after a byte order mark: without it Excel takes
the text for one in the encoding of its Windows, and with it programs take the mark for a part of the first name."""
_COLUMNS = tuple(AuditEventSchema().fields)
# What makes a spreadsheet take a cell for a formula, in ASCII and in full width; and the mark that keeps it from that,
# so that it is always one more than the value has, and taking it away gives the value.
_MARKED_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")


def filename(form: str, moment_us: int) -> str:
    """The name under which to keep an export of that moment: `audit-2024-01-15.csv`."""
    return f"audit-{rfc3339(moment_us)[:10]}.{form.partition('-')[0]}"


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
        is_csv = form in (_CSV, _CSV_EXCEL)
        if is_csv:
            yield (codecs.BOM_UTF8 if form == _CSV_EXCEL else b"") + _csv([_COLUMNS])
        for rows in pieces:
            self.rows += len(rows)
            if is_csv:
                yield _csv([_cells(shown(row)) for row in rows])
            else:
                yield b"".join(orjson.dumps(shown(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _cells(row: dict[str, Any]) -> list[Any]:
    return [_safe(value) for value in row.values()]


def _safe(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: a text that might be one has a `'` put before it."""
    if isinstance(value, dict):
        value = orjson.dumps(value).decode()
    if isinstance(value, str) and value.lstrip(" \u00a0\u3000").startswith(_MARKED_STARTS):
        return f"'{value}"
    return value


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)  # as RFC 4180 has it: lines end in CRLF
    return text.getvalue().encode()
