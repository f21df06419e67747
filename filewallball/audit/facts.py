"""A table as the database itself describes it: columns, keys and dependents, in terms common to both databases."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Row, text

_WORD = re.compile(r"[A-Za-z_]+")
# Names, texts and comments, in which a word means nothing; a backslash escapes in MariaDB alone.
_NAMES = r"""|"(?:[^"]|"")*"|`(?:[^`]|``)*`"""
_SQLITE_SKIPPED = re.compile(r"'(?:[^']|'')*'" + _NAMES + r"|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL)
_MARIADB_SKIPPED = re.compile(r"'(?:[^'\\]|''|\\.)*'" + _NAMES, re.DOTALL)
_SQLITE_COLUMNS = text('SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(:name)')
_SQLITE_INDEXES = text('SELECT name, "unique", partial, origin FROM pragma_index_list(:name)')
_SQLITE_PLACES = text("SELECT name, coll FROM pragma_index_xinfo(:name) WHERE key = 1 ORDER BY seqno")
_SQLITE_TABLE = text(
    "SELECT type, CAST(sql AS TEXT) AS sql FROM sqlite_master WHERE lower(name) = :name AND type IN ('table', 'view')"
)
_MARIADB_TABLE = text(
    "SELECT TABLE_TYPE, ENGINE, AUTO_INCREMENT FROM information_schema.TABLES "
    "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = :name"
)
_MARIADB_COLUMNS = text(
    "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_MAXIMUM_LENGTH, COLLATION_NAME, IS_NULLABLE, "
    "COLUMN_DEFAULT, EXTRA FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = :name"
)
_MARIADB_INDEXES = text(
    "SELECT * FROM information_schema.STATISTICS "
    "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = :name ORDER BY INDEX_NAME, SEQ_IN_INDEX"
)
_MARIADB_TRIGGERS = text(
    "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_STATEMENT "
    "FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE()"
)
_MARIADB_REFERENCES = text(
    "SELECT CONSTRAINT_NAME, TABLE_NAME, REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS "
    "WHERE UNIQUE_CONSTRAINT_SCHEMA = DATABASE()"
)
_GRANT = re.compile(r"GRANT (.+?) ON (\*\.\*|`.+?`\.(?:\*|`.+?`)) TO ")


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column; `is_plain` if it holds what is written to it and is shown to whoever asks for all of them; `length`
    is the longest text that fits, where there is a limit."""

    kind: str
    collation: str
    is_nullable: bool
    is_plain: bool = True
    default: str | None = None
    length: int | None = None


@dataclass(slots=True)
class TableFacts:
    """One table; `kind` says what it is, `words` what its definition is made of besides names and texts, `counter` the
    column that gets the next number by itself, and `next_number` which one, where the table keeps it."""

    kind: str
    columns: dict[str, ColumnFacts] = field(default_factory=dict)
    primary: tuple[str, ...] = ()
    unique: set[tuple[str, ...]] = field(default_factory=set)
    indexes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    counter: str | None = None
    next_number: int | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger; `text` is empty where this account may not read it."""

    name: str
    table: str
    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key of one table to another."""

    name: str
    table: str
    referenced: str


def table_facts(connection: Connection, name: str) -> TableFacts | None:
    """Describe the table of this name; None if there is none."""
    return (_of_sqlite if _is_sqlite(connection) else _of_mariadb)(connection, name)


def triggers(connection: Connection) -> list[Trigger]:
    """All triggers of a MariaDB database that this account can see."""
    return [Trigger(*(value or "" for value in row)) for row in connection.execute(_MARIADB_TRIGGERS)]


def references(connection: Connection) -> list[Reference]:
    """All foreign keys of a MariaDB server to tables of this database that this account can see."""
    return [Reference(*row) for row in connection.execute(_MARIADB_REFERENCES)]


def sees_triggers(connection: Connection, tables: Iterable[str]) -> bool:
    """True if this account sees triggers on all of the tables: MariaDB shows them to whoever may create them."""
    if _is_sqlite(connection):
        return True
    database = connection.exec_driver_sql("SELECT DATABASE()").scalar_one()
    places = {"*.*", f"`{database}`.*", "`{}`.*".format(database.replace("_", "\\_"))}
    granted = set()
    for (line,) in connection.exec_driver_sql("SHOW GRANTS"):
        found = _GRANT.match(line)
        if found and {"TRIGGER", "ALL PRIVILEGES"} & set(found[1].split(", ")):
            granted.add(found[2])
    return bool(granted & places) or {f"`{database}`.`{table}`" for table in tables} <= granted


def disagreements(connection: Connection, name: str) -> list[str]:
    """Find contradictions between a table and its own indexes or rules; on MariaDB no statement can make any."""
    if not _is_sqlite(connection):
        return []
    found = connection.exec_driver_sql(f"PRAGMA integrity_check({name})").scalars()
    return [line for line in found if line != "ok"]


def column_facts(connection: Connection, column: Column[Any]) -> ColumnFacts:
    """The facts that this database should report of a column of the models."""
    kind = column.type.compile(dialect=connection.dialect)
    if _is_sqlite(connection):
        return ColumnFacts(_affinity(kind), "", bool(column.nullable))
    name, _, rest = kind.lower().replace("integer", "int").partition(" ")
    length = getattr(column.type, "length", None)
    return ColumnFacts(
        name.partition("(")[0], rest.rpartition("collate ")[2], bool(column.nullable), length=length
    )


def _of_sqlite(connection: Connection, name: str) -> TableFacts | None:
    found = connection.execute(_SQLITE_TABLE, {"name": name}).first()
    if found is None:
        return None
    facts = TableFacts(found.type, words=_words(found.sql or "", _SQLITE_SKIPPED))
    places = {}
    for column in connection.execute(_SQLITE_COLUMNS, {"name": name}):
        # A rowid is never NULL, whatever its column says.
        kind = _affinity(column.type)
        is_nullable = not (column.notnull or (column.pk and column.type.upper() == "INTEGER"))
        facts.columns[column.name] = ColumnFacts(kind, "", is_nullable, not column.hidden, column.dflt_value)
        if column.pk:
            places[column.pk] = column.name
    facts.primary = tuple(places[place] for place in sorted(places))
    indexes = connection.execute(_SQLITE_INDEXES, {"name": name}).all()
    if len(places) == 1 and all(index.origin != "pk" for index in indexes):
        facts.counter = facts.primary[0]  # it is the rowid: another primary key has an index
    for index in indexes:
        keys = [
            (place.name or "(expression)") + ("" if place.coll == "BINARY" else f" {place.coll}")
            for place in connection.execute(_SQLITE_PLACES, {"name": index.name})
        ]
        _add(facts, index.name, [*keys, *(["(partial)"] if index.partial else [])], is_unique=index.unique)
    return facts


def _of_mariadb(connection: Connection, name: str) -> TableFacts | None:
    found = connection.execute(_MARIADB_TABLE, {"name": name}).first()
    if found is None:
        return None
    if found.TABLE_TYPE != "BASE TABLE" or found.ENGINE != "InnoDB":
        return TableFacts(f"{found.TABLE_TYPE} {found.ENGINE or ''}".strip().lower())
    shown = connection.exec_driver_sql(f"SET STATEMENT sql_mode = '' FOR SHOW CREATE TABLE {name}").one()
    words = _words(shown[1], _MARIADB_SKIPPED)
    facts = TableFacts("table", words=words, next_number=found.AUTO_INCREMENT)
    for column in connection.execute(_MARIADB_COLUMNS, {"name": name}):
        facts.columns[column.COLUMN_NAME] = _mariadb_column(column)
        if column.EXTRA == "auto_increment":
            facts.counter = column.COLUMN_NAME
    _add_mariadb_keys(facts, connection.execute(_MARIADB_INDEXES, {"name": name}))
    return facts


def _mariadb_column(column: Row[Any]) -> ColumnFacts:
    return ColumnFacts(
        column.DATA_TYPE + (" unsigned" if "unsigned" in column.COLUMN_TYPE else ""),
        column.COLLATION_NAME or "",
        column.IS_NULLABLE == "YES",
        column.EXTRA in ("", "auto_increment"),
        column.COLUMN_DEFAULT,
        column.CHARACTER_MAXIMUM_LENGTH,
    )


def _add_mariadb_keys(facts: TableFacts, places: Iterable[Row[Any]]) -> None:
    """Note the keys of a table, given by the places of their columns in order."""
    keys = defaultdict(list)
    unique = set()
    for index in places:
        part = f"({index.SUB_PART})" if index.SUB_PART else ""
        ignored = " (ignored)" if getattr(index, "IGNORED", "NO") == "YES" else ""
        kind = "" if index.INDEX_TYPE == "BTREE" else f" {index.INDEX_TYPE}"
        keys[index.INDEX_NAME].append(f"{index.COLUMN_NAME}{part}{ignored}{kind}")
        if not index.NON_UNIQUE:
            unique.add(index.INDEX_NAME)
    facts.primary = tuple(keys.get("PRIMARY", ()))
    for name, columns in keys.items():
        _add(facts, name, columns, is_unique=name in unique)


def _add(facts: TableFacts, name: str, columns: Sequence[str], *, is_unique: bool) -> None:
    if not is_unique:
        facts.indexes[name] = tuple(columns)
    elif tuple(columns) != facts.primary:
        facts.unique.add(tuple(columns))


def _words(definition: str, skipped: re.Pattern[str]) -> set[str]:
    return {word.upper() for word in _WORD.findall(skipped.sub(" ", definition))}


def _affinity(kind: str) -> str:
    """The type that SQLite makes of a declared one."""
    kind = kind.upper()
    if "INT" in kind:
        return "integer"
    if any(name in kind for name in ("CHAR", "CLOB", "TEXT")):
        return "text"
    return "blob" if "BLOB" in kind or not kind else "number"


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
