"""Check that the audit tables are as the migrations made them: nothing hides, drops or changes rows on the way."""

import re
from collections.abc import Iterator

from sqlalchemy import Connection, Table, func, select

from filewallball.audit.facts import (
    ColumnFacts,
    TableFacts,
    Trigger,
    column_facts,
    disagreements,
    references,
    sees_triggers,
    table_facts,
    triggers,
)
from filewallball.audit.mariadb_programs import not_shown, programs
from filewallball.audit.sqlite_objects import odd_objects
from filewallball.audit.tables import audit_totals
from filewallball.recording.tables import audit_blocks, audit_chain, audit_log

BLOCK_INDEX = "ix_audit_log_block"
_TABLES = (audit_log, audit_blocks, audit_chain, audit_totals)
_NAMES = tuple(table.name for table in _TABLES)
_NAMED = re.compile(rf"\b({'|'.join(_NAMES)})\b", re.IGNORECASE)
_TRIGGERS = (
    "triggers on the audit tables: this database account is not shown them, the owner of the schema is"
)
_ODD_WORDS = {
    "CHECK": "a CHECK constraint, which may keep rows out",
    "REFERENCES": "a foreign key, which may keep rows out or remove them",
    "AS": "a generated column or a query",
    "VIRTUAL": "a virtual table or column",
    "PERIOD": "a period",
    "VERSIONING": "versions of its rows",
    "PARTITION": "partitions, which may keep rows out",
}
"""Words that stand in the definition of no audit table, with their meanings."""
_ODD_IN_MARIADB = {
    **_ODD_WORDS,
    "COMPRESSED": "compression, which may keep long rows out",
    "KEY_BLOCK_SIZE": "smaller pages, which may keep long rows out",
    "MAX_ROWS": "a number of rows that it may have",
}
_ODD_IN_SQLITE = {
    **_ODD_WORDS,
    "AUTOINCREMENT": "a counter of ids (AUTOINCREMENT), which keeps all rows out once it is at its end",
    "WITHOUT": "no rowid (WITHOUT ROWID), so that rows get no id by themselves",
    "STRICT": "strict types, which may keep rows out",
    "CONFLICT": "an ON CONFLICT clause, which may drop rows",
    "COLLATE": "a collation, which may make different texts equal",  # MariaDB tells it of each column
}
_LAST_NUMBER = 2**62
"""Far beyond what a service counts to, and half of what fits."""
_CONSTANT = re.compile(r"NULL|-?\d+|'[^']*'", re.IGNORECASE)


def structure(connection: Connection) -> list[str]:
    """Find faults in the tables themselves."""
    return [
        *(problem for table in _TABLES for problem in _problems(connection, table)),
        *(_on_sqlite if connection.dialect.name == "sqlite" else _on_mariadb)(connection),
    ]


def not_checked(connection: Connection) -> list[str]:
    """List the checks that this account's rights do not allow."""
    if connection.dialect.name == "sqlite":
        return []
    return [*([] if sees_triggers(connection, _NAMES) else [_TRIGGERS]), *not_shown(connection)]


def contradictions(connection: Connection) -> list[str]:
    """Find tables that differ from their indexes: then a search shows other rows than the log has. Reads all of it."""
    found = [(name, disagreements(connection, name)) for name in _NAMES]
    return [f"{name} and its indexes disagree: {lines[0][:120]}" for name, lines in found if lines]


def _problems(connection: Connection, table: Table) -> Iterator[str]:
    facts = table_facts(connection, table.name)
    if facts is None:
        yield f"{table.name} is missing"
    elif facts.kind != "table":
        yield f"{table.name} is no plain table but a {facts.kind}"
    else:
        yield from _of_definition(connection, table.name, facts)
        yield from _of_columns(connection, table, facts)
        yield from _of_keys(table, facts)
        yield from _of_counter(connection, table, facts)


def _of_definition(connection: Connection, name: str, facts: TableFacts) -> Iterator[str]:
    odd = _ODD_IN_SQLITE if connection.dialect.name == "sqlite" else _ODD_IN_MARIADB
    for word in sorted(facts.words & odd.keys()):
        yield f"{name} has {odd[word]}"


def _of_columns(connection: Connection, table: Table, facts: TableFacts) -> Iterator[str]:
    for column in table.columns:
        name, found = f"{table.name}.{column.name}", facts.columns.get(column.name)
        wanted = column_facts(connection, column)
        if found is None:
            yield f"{name} is missing"
        elif not found.is_plain:
            yield f"{name} is generated or hidden"
        elif (found.kind, found.collation) != (wanted.kind, wanted.collation):
            yield f"{name} is of another type: {f'{found.kind} {found.collation}'.strip()}"
        elif found.length is not None and found.length < (wanted.length or 0):
            yield f"{name} is too short, which keeps rows out: {found.length} of {wanted.length}"
        elif found.is_nullable and not wanted.is_nullable:
            yield f"{name} may be NULL"
        elif wanted.is_nullable and not found.is_nullable:
            yield f"{name} may not be NULL any more"
    for name in sorted(facts.columns.keys() - table.columns.keys()):
        if not _is_harmless(facts.columns[name]):
            yield f"{table.name}.{name} is not the service's, and may keep rows out"


def _is_harmless(column: ColumnFacts) -> bool:
    """True if a column unknown to this release, as a newer one may add, lets every row in."""
    if not column.is_plain:
        return False
    if column.default is None:
        return column.is_nullable
    return _CONSTANT.fullmatch(column.default) is not None


def _of_keys(table: Table, facts: TableFacts) -> Iterator[str]:
    primary = tuple(column.name for column in table.primary_key)
    if facts.primary != primary:
        yield f"the primary key of {table.name} is another one: a row may be there twice"
    wanted = {(column.name,) for column in table.columns if column.unique}
    for (name,) in wanted - facts.unique:
        yield f"{name} need not be unique any more: a row may be there twice"
    for columns in sorted(facts.unique - wanted):
        yield f"{table.name} has a unique key over {', '.join(columns)}, which may keep rows out"
    for name, columns in sorted(facts.indexes.items()):
        if any(" FULLTEXT" in column or " SPATIAL" in column or " VECTOR" in column for column in columns):
            yield f"the index {name} on {table.name} is no plain one, which may keep rows out"
    for index in table.indexes:
        if index.name == BLOCK_INDEX and facts.indexes.get(BLOCK_INDEX) != tuple(index.columns.keys()):
            yield f"the index {BLOCK_INDEX}, by which blocks are read, is missing or another one"


def _of_counter(connection: Connection, table: Table, facts: TableFacts) -> Iterator[str]:
    """Rows get the next id by themselves, and there is one."""
    counter = table.autoincrement_column
    if counter is None or counter.name not in facts.columns:
        return
    if facts.counter != counter.name:
        yield f"{table.name}.{counter.name} is given no next number, which keeps rows out"
    highest = connection.execute(select(func.max(counter))).scalar_one()
    numbers = (facts.next_number, highest)
    if any(isinstance(number, int) and number > _LAST_NUMBER for number in numbers):
        yield f"{table.name}.{counter.name} is near its end, after which no row can be added"


def _on_sqlite(connection: Connection) -> Iterator[str]:
    """Whatever else hangs on the tables or names them."""
    yield from sorted(odd_objects(connection, _NAMES))


def _on_mariadb(connection: Connection) -> Iterator[str]:
    """Triggers on the tables, triggers and events that name them, and foreign keys of others to them."""
    for trigger in sorted(triggers(connection), key=lambda found: found.name):
        if _concerns(trigger):
            yield f"the trigger {trigger.name} on {trigger.table} may change, drop or refuse what is written"
    for key in references(connection):
        if key.referenced.lower() in _NAMES:
            yield f"the foreign key {key.name} of {key.table} names {key.referenced}, and may keep its rows"
    yield from sorted(programs(connection, _NAMES))


def _concerns(trigger: Trigger) -> bool:
    return trigger.table.lower() in _NAMES or _NAMED.search(trigger.text) is not None
