"""Connections: one engine that writes, one that reads in autocommit, the same promises on SQLite and MariaDB."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, Insert, Row, Select
from sqlalchemy.pool import QueuePool

from filewallball.database.engines import dialect_of
from filewallball.database.refusals import Refusals
from filewallball.database.retries import retrying
from filewallball.database.stock import Commits, Inserts, Result, Work
from filewallball.errors import CommitUnknown, Unavailable
from filewallball.errors.database_codes import is_refused_commit

T = TypeVar("T")
Values = Mapping[str, Any]


class Database:
    """The service's two engines, and the dialect that they speak."""

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self._writer = writer
        self._reader = reader
        self.dialect = dialect_of(writer.dialect.name)
        self.dialect.listen(writer, reader)
        self.refusals = Refusals(writer)
        self._write_lock = self.dialect.write_lock(writer)
        self._writers = self.dialect.writers(writer)
        self.commits = self.dialect.commits(self._write_lock, self._transact, self._writers.sync)
        self._unsynced = Commits(self._write_lock, self._transact)
        self._statements = self.dialect.statements(reader, self.query)

    def read(self) -> Connection:
        """An autocommit connection: every statement sees the newest commit. Use as a context manager."""
        return self._reader.connect()

    def rows(self, statement: Executable, values: Values | None = None) -> Sequence[Row[*tuple[Any, ...]]]:
        """All rows of one statement, as of the newest commit."""
        return self.query(lambda connection: connection.execute(statement, values).all())

    def row(self, statement: Executable, values: Values | None = None) -> Row[*tuple[Any, ...]] | None:
        """The only row of one statement, or None."""
        return self.query(lambda connection: connection.execute(statement, values).one_or_none())

    def scalar(self, statement: Executable, values: Values | None = None) -> Any:
        """The first column of the first row of one statement, or None."""
        return self.query(lambda connection: connection.execute(statement, values).scalar())

    def scalars(self, statement: Executable, values: Values | None = None) -> Sequence[Any]:
        """The first column of all rows of one statement."""
        return self.query(lambda connection: connection.execute(statement, values).scalars().all())

    def find(self, statement: Select[Any], values: Values) -> Any:
        """`row` for a statement that is built once and asked by nearly every request."""
        return self._statements.row(statement, values)

    def run(self, connection: Connection, statement: Executable, values: Values) -> Result:
        """Execute in a transaction a statement that is built once; returns its rows and their number."""
        return self._statements.execute(connection, statement, values)

    def query(self, work: Callable[[Connection], T]) -> T:
        """`work` of several statements on an autocommit connection, tried again where a restart of the database left
        it stale."""

        def attempt() -> T:
            with self.read() as connection:
                return work(connection)

        return retrying(attempt)

    def snapshot(self, work: Callable[[Connection], T]) -> T:
        """`work` on one unchanging view of the database: all its statements see the same commits."""

        def attempt() -> T:
            with self.snapshot_connection() as connection:
                return work(connection)

        return retrying(attempt)

    @contextmanager
    def snapshot_connection(self) -> Iterator[Connection]:
        """A connection whose every statement sees the database as it was at one moment. Writers are not held up."""
        with self.read() as connection:
            for statement in self.dialect.begin_snapshot:
                connection.exec_driver_sql(statement)
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                connection.invalidate()
                raise

    def close(self) -> None:
        """Close every idle connection; whoever asks again opens others."""
        self._statements.close()
        self._writers.close()
        for engine in {self._writer, self._reader}:
            engine.dispose()

    def open_connections(self) -> int:
        """Connections that this process has open, at work or idle."""
        pools = {id(engine.pool): engine.pool for engine in (self._writer, self._reader)}.values()
        return sum(pool.checkedin() + pool.checkedout() for pool in pools if isinstance(pool, QueuePool))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection without a transaction, behind the process's write lock where there is one."""
        with self._write_lock, self._writer.connect() as connection:
            yield connection

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One write transaction, committed at the end: for the jobs that `maintenance` lists."""
        with self.writing() as connection, connection.begin():
            yield connection

    def commit(self, work: Callable[[Connection], T]) -> T:
        """`work` in a write transaction, committed.

        It may run up to four times, so it must only touch the database. Raises CommitUnknown if COMMIT itself failed
        and what it did cannot be known; after any other exception nothing was committed.
        """
        return self.commits.run(work)

    def sync(self) -> None:
        """Put on the disk what others have committed and this process may have read: to be called before somebody is
        told of it as done. Raises Unavailable where that failed."""
        try:
            self.commits.sync()
        except CommitUnknown as error:
            raise Unavailable from error

    def commit_unsynced(self, work: Callable[[Connection], T]) -> T:
        """The same for a change that everybody sees at once and that a power cut may undo, but not if it leaves a later
        commit."""
        return self._unsynced.run(work)

    def bulk(self, statement: Insert, names: Sequence[str]) -> Inserts:
        """An INSERT of many rows at once, each with the values of the columns `names`."""
        return self.dialect.inserts(statement, names, self._writer)

    def _transact(self, works: Sequence[Work]) -> list[Any]:
        """All of `works` in one transaction; whoever calls holds the write lock."""
        with self._writers.connect() as connection:
            transaction = self._writers.begin(connection)
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
