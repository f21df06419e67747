"""SQLite: one writer at a time on each host, durable through its write-ahead log."""

import fcntl
import os
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import reduce
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Integer,
    LargeBinary,
    Table,
    and_,
    case,
    event,
    func,
    text,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import sqlite

from filewallball.database import skip_scan
from filewallball.database.dialect import Columns, Dialect, Options, may_be_null, written
from filewallball.database.group_commit import GroupCommit, KeptWriter
from filewallball.database.log_sync import LateWriter
from filewallball.database.prepared import (
    PreparedInserts,
    PreparedStatements,
    executed,
    is_in_transaction,
)
from filewallball.database.stock import Commits, Inserts, Query, Statements, Sync, Transact, Writers
from filewallball.database.turns import SUFFIX, Turns
from filewallball.settings.service import Settings

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
_OBJECTS = text("SELECT COUNT(*) FROM sqlite_master")


class SQLite(Dialect):
    """A file on this host."""

    name = "sqlite"
    title = "SQLite"
    begin_snapshot = ("BEGIN",)

    def complete(self, url: URL) -> URL:
        """A relative path begins at Flask's instance folder, as Flask-SQLAlchemy has it."""
        kind = "file:" if url.query.get("uri") else ""
        path = Path((url.database or "").removeprefix(kind))
        if path.is_absolute():
            return url
        from flask import Flask

        folder = Path(Flask("filewallball").instance_path)
        folder.mkdir(parents=True, exist_ok=True)
        return url.set(database=f"{kind}{folder / path}")

    def engine_options(self, settings: Settings) -> tuple[Options, Options]:
        arguments = {"timeout": settings.database_timeout.total_seconds(), "check_same_thread": False}
        return (
            {"connect_args": {**arguments, "isolation_level": None}},
            {"connect_args": arguments, "isolation_level": "AUTOCOMMIT"},
        )

    def listen(self, writer: Engine, reader: Engine) -> None:
        for engine in {writer, reader}:
            event.listen(engine, "connect", _set_pragmas)
        event.listen(writer, "begin", _begin_immediate)

    def write_lock(self, engine: Engine) -> AbstractContextManager[Any]:
        return Turns(Path(f"{engine.url.database}{SUFFIX}")) if _is_plain(engine) else threading.Lock()

    @contextmanager
    def migrating(self, engine: Engine) -> Iterator[None]:
        if not _is_plain(engine):
            yield
            return
        folder = os.open(Path(str(engine.url.database)).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def commits(self, lock: AbstractContextManager[Any], transact: Transact, sync: Sync) -> Commits:
        return GroupCommit(lock, transact, sync)

    def writers(self, engine: Engine) -> Writers:
        return LateWriter(engine) if _is_plain(engine) else KeptWriter(engine)

    def statements(self, reader: Engine, query: Query) -> Statements:
        return PreparedStatements(reader, query)

    def inserts(self, statement: Insert, names: Sequence[str], engine: Engine) -> Inserts:
        return PreparedInserts(statement, names, engine.dialect)

    def insert(self, table: Table) -> Insert:
        return sqlite.insert(table)

    def insert_ignoring(self, table: Table) -> Insert:
        return sqlite.insert(table).prefix_with("OR IGNORE")

    def incoming(self, statement: Insert) -> Columns:
        return cast(sqlite.Insert, statement).excluded

    def upsert(self, statement: Insert, keys: Sequence[Column[Any]], changes: Mapping[str, Any]) -> Insert:
        return cast(sqlite.Insert, statement).on_conflict_do_update(index_elements=keys, set_=changes)

    def length_prefixed(self, columns: Sequence[ColumnElement[Any]]) -> ColumnElement[bytes]:
        """Bytes in a column of text read like text and equal none, so they would hide a row from every filter: a
        value of another kind than its column's adds what no honest value has."""
        values = [written(column) for column in columns]
        parts: list[Any] = [
            part for value in values for part in (func.length(sql_cast(value, LargeBinary)), ":", value)
        ]
        parts.append(case((_of_their_kinds(columns), ""), else_="0:"))
        return sql_cast(reduce(lambda joined, part: joined.op("||")(part), parts), LargeBinary)

    def is_number(self, column: ColumnElement[Any], number: int) -> ColumnElement[bool]:
        return and_(func.typeof(column) == "integer", column == number)

    def joined(self, column: ColumnElement[Any], order_by: ColumnElement[Any]) -> ColumnElement[bytes] | None:
        return None

    def distinct(
        self,
        connection: Connection,
        columns: Sequence[Column[Any]],
        index: str,
        within: Sequence[ColumnElement[bool]],
        most: int,
    ) -> list[tuple[Any, ...]] | None:
        return skip_scan.distinct(connection, columns, within, most)

    def connection_counts(self, connection: Connection, opened: Callable[[], int]) -> tuple[int, int | None]:
        connection.execute(_OBJECTS).scalar_one()
        return opened(), None

    def durability_faults(self, connection: Connection) -> Iterator[str]:
        journal_mode = connection.execute(text("PRAGMA journal_mode")).scalar_one()
        synchronous = connection.execute(text("PRAGMA synchronous")).scalar_one()
        return faults(str(journal_mode), int(synchronous))


def faults(journal_mode: str, synchronous: int) -> Iterator[str]:
    """The settings that lose confirmed changes, or have readers and writers wait for each other."""
    if journal_mode != "wal":
        yield f"journal_mode={journal_mode}, not wal (a file system without shared memory?)"
    if synchronous < 2:
        yield f"synchronous={synchronous}, not FULL"


def _is_plain(engine: Engine) -> bool:
    """True for a file that is named as such, not a database in memory or the URI of one."""
    path = engine.url.database
    return bool(path) and path != ":memory:" and not str(path).startswith("file:")


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    """Lock at once: a transaction that first reads could not be upgraded while another writes."""
    if not is_in_transaction(connection):  # as a `DriverTransaction` is
        executed(connection, "BEGIN IMMEDIATE", ())


def _of_their_kinds(columns: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
    """That each value is of its column's kind. The greatest of several is bytes, or NULL, where one of them is."""
    kinds: dict[str, list[ColumnElement[Any]]] = defaultdict(list)
    for column in columns:
        is_bytes, is_number = isinstance(column.type, LargeBinary), isinstance(column.type, Integer)
        value = func.coalesce(column, "") if may_be_null(column) else column
        kinds["blob" if is_bytes else "integer" if is_number else "text"].append(value)
    return and_(*(func.typeof(func.max(*found, found[0])) == kind for kind, found in kinds.items()))
