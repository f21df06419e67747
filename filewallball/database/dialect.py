"""The differences between the two kinds of database, as the questions that the rest of the service asks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, TypeVar

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    LargeBinary,
    Select,
    Table,
    func,
    literal,
    select,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from filewallball.database.stock import Commits, Inserts, Query, Statements, Sync, Transact, Writers
from filewallball.settings.service import Settings

Columns = ReadOnlyColumnCollection[str, Any]
Options = dict[str, Any]
S = TypeVar("S", bound=Select[Any])


class Dialect(ABC):
    """One kind of database."""

    name: ClassVar[str]
    title: ClassVar[str]
    begin_snapshot: ClassVar[tuple[str, ...]]
    """The statements that begin a transaction all of whose reads see the same commits."""

    def complete(self, url: URL) -> URL:
        """The URL with what it leaves out."""
        return url

    @abstractmethod
    def engine_options(self, settings: Settings) -> tuple[Options, Options]:
        """Options of the engine that writes, and of the one that reads in autocommit."""

    def listen(self, writer: Engine, reader: Engine) -> None:  # noqa: B027 - there may be nothing to prepare
        """Prepare each connection that the engines will open."""

    def write_lock(self, engine: Engine) -> AbstractContextManager[Any]:
        """The one write lock of the process, where writers must not meet in the database of this engine."""
        return nullcontext()

    @abstractmethod
    def migrating(self, engine: Engine) -> AbstractContextManager[None]:
        """Keep all other processes from changing the schema of the engine's database; waits for the one that does."""

    def commits(self, lock: AbstractContextManager[Any], transact: Transact, sync: Sync) -> Commits:
        """The object that commits write transactions, and has them synced."""
        return Commits(lock, transact, sync)

    def writers(self, engine: Engine) -> Writers:
        """The source of connections for write transactions."""
        return Writers(engine)

    def statements(self, reader: Engine, query: Query) -> Statements:
        """The object that executes statements that are built once."""
        return Statements(query)

    def inserts(self, statement: Insert, names: Sequence[str], engine: Engine) -> Inserts:
        """An INSERT of many rows at once, each with the values of the columns `names`."""
        return Inserts(statement, names, engine.dialect)

    @abstractmethod
    def insert(self, table: Table) -> Insert:
        """An INSERT that knows about conflicts."""

    @abstractmethod
    def insert_ignoring(self, table: Table) -> Insert:
        """An INSERT that drops rows whose unique key is already there (needs no UPDATE privilege)."""

    @abstractmethod
    def incoming(self, statement: Insert) -> Columns:
        """The columns of the row that an upsert tried to insert."""

    @abstractmethod
    def upsert(self, statement: Insert, keys: Sequence[Column[Any]], changes: Mapping[str, Any]) -> Insert:
        """`statement` with its conflict on the unique `keys` turned into an update by `changes`."""

    def adding(self, table: Table) -> Insert:
        """An INSERT into `table` that, where the primary key is there already, adds the other columns to it."""
        statement = self.insert(table)
        new = self.incoming(statement)
        keys = list(table.primary_key.columns)
        sums = {column.name: column + new[column.name] for column in table.columns if not column.primary_key}
        return self.upsert(statement, keys, sums)

    @abstractmethod
    def length_prefixed(self, columns: Sequence[ColumnElement[Any]]) -> ColumnElement[bytes]:
        """`length:value` of every column in one value, bytes in hexadecimal; lengths count octets, to part them.

        The value of a column that may be NULL has a `=` before it, and NULL is empty; NULL in another is NULL in all.
        """

    def is_number(self, column: ColumnElement[Any], number: int) -> ColumnElement[bool]:
        """That a column holds this number, and nothing that only equals it."""
        return column == number

    @abstractmethod
    def joined(self, column: ColumnElement[Any], order_by: ColumnElement[Any]) -> ColumnElement[bytes] | None:
        """All of a group's values one after the other; None where the database cannot tell their order, and a value
        cut short or NULL where it would be longer than a packet may be."""

    def distinct(
        self,
        connection: Connection,
        columns: Sequence[Column[Any]],
        index: str,
        within: Sequence[ColumnElement[bool]],
        most: int,
    ) -> list[tuple[Any, ...]] | None:
        """The distinct values of `columns`, the first ones of `index`, in rows `within` conditions on the first
        column; None if there are more than `most`."""
        statement = by_index(select(*columns), columns[0].table, index).where(*within)
        found = [tuple(row) for row in connection.execute(statement.group_by(*columns).limit(most + 1))]
        return found if len(found) <= most else None

    @abstractmethod
    def connection_counts(self, connection: Connection, opened: Callable[[], int]) -> tuple[int, int | None]:
        """Connections that the database has, `opened` of them by this process, and how many it may have."""

    @abstractmethod
    def durability_faults(self, connection: Connection) -> Iterator[str]:
        """The settings under which a change that was confirmed may be lost."""


def written(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The value of a column as `length_prefixed` writes it."""
    if isinstance(column.type, LargeBinary):
        return func.hex(column)
    return func.coalesce(literal("=").concat(column), "") if may_be_null(column) else column


def may_be_null(column: ColumnElement[Any]) -> bool:
    """True of a column of a table that is declared so."""
    return isinstance(column, Column) and bool(column.nullable)


def by_index(statement: S, table: Table, index: str) -> S:
    """`statement`, held to one index of `table`."""
    for dialect in ("mysql", "mariadb"):
        statement = statement.with_hint(table, f"FORCE INDEX ({index})", dialect)
    return statement.with_hint(table, f"INDEXED BY {index}", "sqlite")
