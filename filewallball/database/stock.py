"""SQLAlchemy's own way of what a dialect may have a shortcut for. A shortcut is a subclass that does the same faster:
to be rid of it, have the dialect return the class of this file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Dialect, Engine, Executable, Insert, Select

from filewallball.database.retries import retrying
from filewallball.errors import CommitUnknown

T = TypeVar("T")
Work = Callable[[Connection], Any]
Transact = Callable[[Sequence[Work]], list[Any]]
"""Runs works in one transaction, commits it and returns their results."""
Values = tuple[Any, ...]
Sync = Callable[[], None]
"""Puts on the disk what was committed, or raises OSError."""


def nothing_to_sync() -> None:
    """A commit has synced by itself."""


class Query(Protocol):
    """A function that runs work on a connection for reading."""

    def __call__(self, work: Callable[[Connection], T]) -> T: ...


class Result(Protocol):
    """The outcome of a statement that was executed."""

    @property
    def rowcount(self) -> int: ...

    def first(self) -> Any: ...

    def one(self) -> Any: ...


class OpenTransaction(Protocol):
    """A transaction under way."""

    def commit(self) -> None: ...

    def rollback(self) -> None: ...


class Commits:
    """Commits each work in a transaction of its own."""

    def __init__(
        self, lock: AbstractContextManager[Any], transact: Transact, sync: Sync = nothing_to_sync
    ) -> None:
        self._lock = lock
        self._transact = transact
        self._sync = sync

    def run(self, work: Callable[[Connection], T]) -> T:
        """`work` in a transaction, committed under the lock, then synced; tried again where the database undid it."""

        def attempt() -> T:
            with self._lock:
                result: T = self._transact([work])[0]
                return result

        result = retrying(attempt)
        self.sync()
        return result

    def sync(self) -> None:
        """Put on the disk what was committed. Raises CommitUnknown where that failed."""
        try:
            self._sync()
        except OSError as error:
            raise CommitUnknown from error


class Writers:
    """Connections for write transactions, out of the pool."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def connect(self) -> AbstractContextManager[Connection]:
        """A connection without a transaction."""
        return self._engine.connect()

    def begin(self, connection: Connection) -> OpenTransaction:
        """Begin a transaction on such a connection."""
        return connection.begin()

    def sync(self) -> None:
        """Put on the disk what was committed on the connections, if their commits do not. Raises OSError."""

    def close(self) -> None:
        """Close what is kept; whoever connects again opens another."""


class Statements:
    """Statements that are built once and executed by nearly every request."""

    def __init__(self, query: Query) -> None:
        self._query = query

    def row(self, statement: Select[Any], values: Mapping[str, Any]) -> Any:
        """The only row of `statement`, or None."""
        return self._query(lambda connection: connection.execute(statement, values).one_or_none())

    def execute(self, connection: Connection, statement: Executable, values: Mapping[str, Any]) -> Result:
        """`statement` in the transaction of `connection`."""
        found: CursorResult[Any] = connection.execute(statement, values)
        return found

    def close(self) -> None:
        """Close what is kept open for later statements."""


class Inserts:
    """An INSERT of many rows that give a value for each of `names`, in that order."""

    def __init__(self, statement: Insert, names: Sequence[str], dialect: Dialect) -> None:
        self._statement = statement
        self._names = list(names)

    def execute(self, connection: Connection, rows: Iterable[Values]) -> int:
        """Insert the rows, none if there are none; returns how many the database says that it has inserted."""
        return self.send(connection, self.prepare(rows))

    def prepare(self, rows: Iterable[Values]) -> list[Any]:
        """Turn rows into the argument of `send`: all the work that needs no database."""
        return [dict(zip(self._names, row, strict=True)) for row in rows]

    def send(self, connection: Connection, prepared: list[Any]) -> int:
        """Execute what was prepared; returns how many rows the database says that it has inserted."""
        return connection.execute(self._statement, prepared).rowcount if prepared else 0
