"""The database as JSON lines, read in one snapshot and loaded in one transaction; the same on both kinds."""

import gzip
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Select,
    Table,
    case,
    cast,
    delete,
    false,
    func,
    insert,
    select,
)
from sqlalchemy.types import _Binary

# The schema's revision stands in the manifest; leases belong to the processes that hold them now. Uploads that are not
# finished are left out: their clients begin anew.
_LEFT_OUT = {"alembic_version", "leases"}
_UNFINISHED = {"uploads", "upload_segments"}
_BATCH = 500
Change = Callable[[str, dict[str, Any]], None]


def tables(connection: Connection) -> list[Table]:
    """All tables with data of the service, as they are in the database, each after those that it refers to."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name not in _LEFT_OUT]


def dump(connection: Connection, path: Path) -> dict[str, int]:
    """Write every row; returns how many each table has."""
    counts = {}
    with gzip.open(path, "xb", compresslevel=1) as file:
        for table in tables(connection):
            name, names = str(table.name), [str(column.name) for column in _own_columns(table)]
            binary = _binary_columns(table, names)
            file.write(_line({"table": name, "columns": names}))
            rows = connection.execute(
                _finished(table), execution_options={"stream_results": True, "yield_per": _BATCH}
            )
            counts[name] = 0
            for row in rows:
                values = list(row)
                for index in binary:
                    values[index] = None if values[index] is None else bytes(values[index]).hex()
                file.write(_line(values))
                counts[name] += 1
    return counts


def _own_columns(table: Table) -> list[Column[Any]]:
    """The columns that hold what was written, not what the database makes of it."""
    return [column for column in table.columns if column.computed is None]


def _finished(table: Table) -> Select[Any]:
    """The rows of a table, without unfinished uploads and what was charged for them."""
    statement = select(*_own_columns(table))
    if table.name in _UNFINISHED:
        return statement.where(false())
    uploads = table.metadata.tables.get("uploads")
    if table.name != "quotas" or uploads is None:
        return statement
    charged = {"used_bytes": uploads.c.charged_bytes, "used_files": uploads.c.charged_files}
    return select(*(_without(table, column, uploads, charged.get(column.name)) for column in table.columns))


def _without(
    table: Table, column: Column[Any], uploads: Table, charged: Column[Any] | None
) -> ColumnElement[Any]:
    if charged is None:
        return column
    own = select(func.coalesce(func.sum(charged), 0)).where(uploads.c.principal == table.c.principal)
    taken = cast(own.scalar_subquery(), BigInteger)
    return case((column >= 0, column - taken), else_=column)  # below zero nobody counts


def load(connection: Connection, path: Path, change: Mapping[str, Change]) -> None:
    """Replace every row of the database by those of a dump; `change` may alter the rows of a table."""
    known = tables(connection)
    for table in reversed(known):
        connection.execute(delete(table))
    by_name = {table.name: table for table in known}
    for name, columns, rows in _batches(path):
        table = by_name[name]
        binary = [columns[index] for index in _binary_columns(table, columns)]
        values = [dict(zip(columns, row, strict=True)) for row in rows]
        for row in values:
            for column in binary:
                row[column] = None if row[column] is None else bytes.fromhex(row[column])
            if name in change:
                change[name](name, row)
        connection.execute(insert(table), values)


def _batches(path: Path) -> Iterator[tuple[str, list[str], list[list[Any]]]]:
    name = ""
    columns: list[str] = []
    rows: list[list[Any]] = []
    with gzip.open(path, "rb") as file:
        for line in file:
            value = orjson.loads(line)
            if isinstance(value, dict) or len(rows) == _BATCH:
                if rows:
                    yield name, columns, rows
                rows = []
            if isinstance(value, dict):
                name, columns = value["table"], value["columns"]
            else:
                rows.append(value)
    if rows:
        yield name, columns, rows


def _binary_columns(table: Table, columns: list[str] | None = None) -> list[int]:
    names = columns or [column.name for column in table.columns]
    return [index for index, name in enumerate(names) if isinstance(table.columns[name].type, _Binary)]


def _line(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
