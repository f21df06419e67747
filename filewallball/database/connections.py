"""Connections: one engine that writes, one that reads in autocommit, the same promises on SQLite and MariaDB."""

import random
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import reduce
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Engine,
    Integer,
    LargeBinary,
    Select,
    Table,
    and_,
    case,
    cast,
    func,
    type_coerce,
)
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from filewallball.database.bulk_insert import BulkInsert
from filewallball.database.engines import listen
from filewallball.database.error_codes import is_refused_commit, is_transient
from filewallball.database.group_commit import Together
from filewallball.database.prepared import Lookups
from filewallball.errors import CommitUnknown

_ATTEMPTS = 4  # the first try and at most three more
_STALE_SECONDS = 0.5
_SNAPSHOT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
T = TypeVar("T")


class Database:
    """The service's two engines and the differences between the two kinds of database."""

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self._writer = writer
        self._reader = reader
        self.is_sqlite = writer.dialect.name == "sqlite"
        self._lookups = Lookups(reader) if self.is_sqlite else None
        self._write_lock: AbstractContextManager[Any] = threading.Lock() if self.is_sqlite else nullcontext()
        self._together = Together(self._write_lock, self._transact) if self.is_sqlite else None
        listen(writer, immediate=True)
        if reader is not writer:
            listen(reader, immediate=False)

    def read(self) -> Connection:
        """An autocommit connection: every statement sees the newest commit. Use as a context manager."""
        return self._reader.connect()

    def query(self, work: Callable[[Connection], T]) -> T:
        """`work` on an autocommit connection, tried again where a restart of the database left it stale."""

        def attempt() -> T:
            with self.read() as connection:
                return work(connection)

        return retrying(attempt)

    def find(self, statement: Select[Any], values: Mapping[str, Any]) -> Any:
        """The only row of a statement that is built once and asked by nearly every request, or None."""
        if self._lookups is not None:
            with suppress(sqlite3.Error):  # whatever is wrong, `query` knows what it means
                return self._lookups.find(statement, values)
        return self.query(lambda connection: connection.execute(statement, values).one_or_none())

    def run(self, connection: Connection, statement: Any, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Execute in a transaction a statement that is built once. Codes among the values must be ASCII."""
        if self._lookups is not None:
            return self._lookups.run(connection, statement, values)
        return connection.execute(statement, values)

    def close(self) -> None:
        """Close every idle connection; whoever asks again opens others."""
        if self._lookups is not None:
            self._lookups.close()
        for engine in {self._writer, self._reader}:
            engine.dispose()

    def snapshot(self, work: Callable[[Connection], T]) -> T:
        """`work` on one unchanging view of the database: all its statements see the same commits."""

        def attempt() -> T:
            with self.read() as connection:
                for statement in ("BEGIN",) if self.is_sqlite else _SNAPSHOT:
                    connection.exec_driver_sql(statement)
                try:
                    result = work(connection)
                    connection.exec_driver_sql("COMMIT")
                except BaseException:
                    connection.invalidate()
                    raise
                return result

        return retrying(attempt)

    def open_connections(self) -> int:
        """Connections that this process has open, at work or idle."""
        pools = {id(engine.pool): engine.pool for engine in (self._writer, self._reader)}.values()
        return sum(pool.checkedin() + pool.checkedout() for pool in pools if isinstance(pool, QueuePool))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection without a transaction, behind the one write lock of the process (SQLite)."""
        with self._write_lock, self._writer.connect() as connection:
            yield connection

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One write transaction, committed at the end: for the jobs that `maintenance` lists."""
        with self.writing() as connection, connection.begin():
            yield connection

    def commit(self, work: Callable[[Connection], T]) -> T:
        """`work` in a write transaction, committed, possibly together with that of other threads (SQLite).

        It may run up to four times and in another thread, so it must only touch the database. Raises CommitUnknown if
        COMMIT itself failed and what it did cannot be known; after any other exception nothing was committed.
        """
        if self._together is not None:
            return self._together.run(work)

        result: T = retrying(lambda: self._transact([work]))[0]
        return result

    def _transact(self, works: Sequence[Callable[[Connection], Any]]) -> list[Any]:
        """All of `works` in one transaction; whoever calls holds the write lock."""
        with self._writer.connect() as connection:
            transaction = connection.begin()
            try:
                results = [work(connection) for work in works]
            except BaseException:
                transaction.rollback()
                raise
            try:
                transaction.commit()
            except Exception as error:
                if is_refused_commit(error):
                    raise
                raise CommitUnknown from error
            return results

    def insert(self, table: Table) -> Any:
        """The dialect's INSERT, which knows about conflicts."""
        return sqlite.insert(table) if self.is_sqlite else mysql.insert(table)

    def insert_ignoring(self, table: Table) -> Any:
        """An INSERT that drops rows whose unique key is already there (needs no UPDATE privilege)."""
        return (
            sqlite.insert(table).prefix_with("OR IGNORE")
            if self.is_sqlite
            else mysql.insert(table).prefix_with("IGNORE")
        )

    def bulk(self, statement: Any, names: Sequence[str]) -> BulkInsert:
        """An INSERT of many rows at once, each with the values of the columns `names`."""
        return BulkInsert(statement, names, self._writer.dialect)

    def incoming(self, statement: Any) -> Any:
        """The columns of the row that an upsert tried to insert."""
        return statement.excluded if self.is_sqlite else statement.inserted

    def octets(self, column: Any) -> ColumnElement[bytes]:
        """A column's text as the bytes at rest: UTF-8, whatever somebody may have put there."""
        return cast(column, LargeBinary)

    def length_prefixed(self, columns: Sequence[Any]) -> ColumnElement[bytes]:
        """`length:value` of every column in one value, bytes in hexadecimal; lengths count octets, to part them."""
        values = [func.hex(column) if isinstance(column.type, LargeBinary) else column for column in columns]
        if self.is_sqlite:
            parts = [part for value in values for part in (func.length(cast(value, LargeBinary)), ":", value)]
            parts.append(case((_of_their_kinds(columns), ""), else_="0:"))
            return cast(reduce(lambda text, part: text.op("||")(part), parts[1:], parts[0]), LargeBinary)
        octets = [
            part for value in values for part in (func.octet_length(value), ":", cast(value, LargeBinary))
        ]
        return cast(func.concat(*octets), LargeBinary)

    def joined(self, column: Any, order_by: Any) -> ColumnElement[bytes] | None:
        """All of a group's values one after the other; None where the database cannot tell their order (SQLite), and a
        value cut short or NULL where it would be longer than a packet may be."""
        if self.is_sqlite:
            return None
        joined = func.aggregate_strings(column, "").aggregate_order_by(order_by)
        return type_coerce(joined, LargeBinary)

    def upsert(self, statement: Any, keys: list[Column[Any]], changes: dict[str, Any]) -> Any:
        """`statement` with its conflict on the unique `keys` turned into an update by `changes`."""
        if self.is_sqlite:
            return statement.on_conflict_do_update(index_elements=keys, set_=changes)
        return statement.on_duplicate_key_update(**changes)

    def adding(self, table: Table) -> Any:
        """An INSERT into `table` that, where the primary key is there already, adds the other columns to it."""
        statement = self.insert(table)
        new = self.incoming(statement)
        keys = list(table.primary_key.columns)
        sums = {column.name: column + new[column.name] for column in table.columns if not column.primary_key}
        return self.upsert(statement, keys, sums)


def by_index(statement: Any, table: Any, index: str) -> Any:
    """`statement`, held to one index of `table`."""
    for dialect in ("mysql", "mariadb"):
        statement = statement.with_hint(table, f"FORCE INDEX ({index})", dialect)
    return statement.with_hint(table, f"INDEXED BY {index}", "sqlite")


def retrying(attempt: Callable[[], T]) -> T:
    """Call `attempt`, again at most three times with jitter while the failure says that nothing was done.

    That is a deadlock or lock wait (the database rolled back), or a pooled connection found dead at once after a
    restart. A slow failure is not tried again: the caller has waited long enough.
    """
    for remaining in reversed(range(_ATTEMPTS)):
        started = time.monotonic()
        try:
            return attempt()
        except DBAPIError as error:
            stale = error.connection_invalidated and time.monotonic() - started < _STALE_SECONDS
            if not remaining or not (stale or is_transient(error)):
                raise
            time.sleep(random.uniform(0.002, 0.02))  # noqa: S311 - jitter, not a secret
    raise AssertionError("unreachable")


def _of_their_kinds(columns: Sequence[Any]) -> ColumnElement[bool]:
    """Whether SQLite keeps values of the columns' own kinds: bytes in a column of text read the same and equal nothing,
    so they would hide a row from every filter. The greatest of several is bytes, or NULL, where one of them is."""
    kinds: dict[str, list[Any]] = defaultdict(list)
    for column in columns:
        is_bytes, is_number = isinstance(column.type, LargeBinary), isinstance(column.type, Integer)
        kinds["blob" if is_bytes else "integer" if is_number else "text"].append(column)
    return and_(*(func.typeof(func.max(*found, found[0])) == kind for kind, found in kinds.items()))
