"""All that a SQLite database keeps under its schema, read by the letter: what hangs on given tables, or names them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

_ROWS = text(
    "SELECT type, name, tbl_name, sql FROM sqlite_master "
    "UNION ALL SELECT type, name, tbl_name, sql FROM sqlite_temp_master"
)
_TYPES = {"table", "index", "view", "trigger"}
_NAME = r"""(?:\w+|"(?:[^"]|"")+"|`(?:[^`]|``)+`|\[[^\]]+\])"""
_COLUMN = rf"\s*{_NAME}(?:\s+(?:ASC|DESC))?\s*"
_PLAIN_INDEX = re.compile(
    rf"\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+{_NAME}\s+ON\s+{_NAME}\s*\({_COLUMN}(?:,{_COLUMN})*\)\s*"
    rf"(?:WHERE\s+{_NAME}\s+IS\s+NOT\s+NULL\s*)?",
    re.IGNORECASE,
)
"""Columns and nothing else: no expression, collation or comment, and no WHERE but one that leaves out NULL."""
_TRIGGER = re.compile(r"\s*CREATE\s+(?:TEMP\w*\s+)?TRIGGER\b", re.IGNORECASE)


def odd_objects(connection: Connection, tables: Sequence[str]) -> Iterator[str]:
    """Find what may change, drop or refuse what is written to the tables, or does not say what it is."""
    named = re.compile(rf"\b(?:{'|'.join(tables)})\b", re.IGNORECASE)
    rows = connection.execute(_ROWS).all()
    for row in rows:
        if row.type not in _TYPES:
            yield f"the schema has a row of the unknown type {row.type!r}: {row.name}"
        elif any(not isinstance(value, str) for value in (row.name, row.tbl_name, row.sql or "")):
            yield f"the schema has a {row.type} whose name or text is none: {row.name}"
        if any(named.search(_read(value)) for value in (row.name, row.tbl_name, row.sql)):
            yield from _judged(row, tables)
    kept = Counter(_read(row.name).lower() for row in rows)
    yield from (f"the schema has {name} more than once" for name in tables if kept[name] > 1)


def _judged(row: Row[Any], tables: Sequence[str]) -> Iterator[str]:
    """A row of the schema that has to do with the tables; they themselves are judged by their columns and keys."""
    kind, sql = _read(row.type).lower(), _read(row.sql)
    if kind == "trigger" or _TRIGGER.match(sql):
        yield f"the trigger {row.name} on {row.tbl_name} may change, drop or refuse what is written"
    elif kind == "index":
        is_automatic = row.sql is None and _read(row.name).startswith("sqlite_autoindex_")
        if not is_automatic and not _PLAIN_INDEX.fullmatch(sql):
            yield f"the index {row.name} on {row.tbl_name} is over more than columns, which may keep rows out"
    elif kind not in ("table", "view") or _read(row.name).lower() not in tables:
        yield f"the {kind} {row.name} names an audit table, and is not the service's"


def _read(value: Any) -> str:
    """Text, whatever kind of value was put in its place."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "" if value is None else str(value)
